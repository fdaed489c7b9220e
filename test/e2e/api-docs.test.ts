import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import { parse } from 'yaml';
import { type GatewayUnderTest, startGatewayUnderTest } from '../../apps/gateway/src/testing/gateway-under-test.ts';
import { openPage } from '../support/browser.ts';
import { photograph } from '../support/photograph.ts';

const lifetime = new Lifetime();
const description = parse(readFileSync('apps/gateway/openapi.yaml', 'utf8')) as {
  paths: Record<string, Record<string, unknown>>;
};
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
/** Swagger UI lets paths break between words by characters without width. */
const plain = (text: string) => text.replaceAll('\u200b', '').trim();
let tested: GatewayUnderTest;

before(async () => {
  tested = lifetime.use(await startGatewayUnderTest({ API_KEYS: 'admin:key' }), (started) => started.stop());
  await tested.addDevice('shop');
});
after(() => lifetime.stop());

test('/docs shows every operation of the description, from this server alone, without a complaint', async () => {
  const { page, complaints } = await openPage(lifetime, 'about:blank');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(`${tested.url}/docs`);
  await page.locator('.opblock').first().waitFor();
  const textsOf = async (selector: string) => (await page.locator(`.opblock ${selector}`).allTextContents()).map(plain);
  const methods = await textsOf('.opblock-summary-method');
  const paths = await textsOf('.opblock-summary-path');
  const shown = methods.map((method, index) => `${method.toLowerCase()} ${paths[index]}`);
  const described = Object.entries(description.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => `${method} ${path}`),
  );
  assert.deepEqual(shown.toSorted(), described.toSorted());
  await photograph(page, 'docs-1-operations');
  assert.deepEqual(
    asked.filter((url) => !url.startsWith(tested.url) && !url.startsWith('data:')),
    [],
  );
  assert.deepEqual(complaints, []);
});

test('/docs can try a call with a key', async () => {
  const { page, complaints } = await openPage(lifetime, `${tested.url}/docs`);
  await page.getByRole('button', { name: 'Authorize' }).first().click();
  await page.locator('#api_key_value, input[aria-label="auth-api-key-value"], .auth-container input').nth(1).waitFor();
  await photograph(page, 'docs-2-authorize');
  const bearer = page.locator('.auth-container', { hasText: 'bearer' });
  await bearer.locator('input').fill('key');
  await bearer.getByRole('button', { name: 'Apply credentials' }).click();
  await page.getByRole('button', { name: 'Close' }).first().click();
  const operation = page.locator('.opblock', { has: page.locator('[data-path="/devices"]') }).first();
  await operation.click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  await operation.locator('.live-responses-table').getByText('"shop"').first().waitFor();
  await photograph(page, 'docs-3-tried');
  assert.deepEqual(complaints, []);
});
