import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import { parse } from 'yaml';
import { type GatewayUnderTest, startGatewayUnderTest } from '../../apps/gateway/src/testing/gateway-under-test.ts';
import { samplePng } from '../../apps/gateway/src/testing/sample-png.ts';
import { PHONE } from '../../apps/gateway/src/testing/send-form.ts';
import { startWorkerDouble, type WorkerDouble } from '../../apps/gateway/src/testing/worker-double.ts';
import { openPage } from '../support/browser.ts';
import { photograph } from '../support/photograph.ts';
import { waitUntil } from '../support/wait-until.ts';

const lifetime = new Lifetime();
const description = parse(readFileSync('apps/gateway/openapi.yaml', 'utf8')) as {
  paths: Record<string, Record<string, unknown>>;
};
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
/** Swagger UI lets paths break between words by characters without width. */
const plain = (text: string) => text.replaceAll('\u200b', '').trim();
let tested: GatewayUnderTest;
let worker: WorkerDouble;

before(async () => {
  tested = lifetime.use(await startGatewayUnderTest({ API_KEYS: 'admin:key-secret-for-tests' }), (started) =>
    started.stop(),
  );
  await tested.addDevice('shop');
  worker = await startWorkerDouble(tested, { deviceId: 'shop' });
  lifetime.use(worker, (started) => started.stop());
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

/** Opens the page and gives it the key, as somebody does who wants to try the API. */
async function openWithKey(): ReturnType<typeof openPage> {
  const opened = await openPage(lifetime, `${tested.url}/docs`);
  const { page } = opened;
  await page.getByRole('button', { name: 'Authorize' }).first().click();
  const bearer = page.locator('.auth-container', { hasText: 'bearer' });
  await bearer.locator('input').fill('key-secret-for-tests');
  await photograph(page, 'docs-2-authorize');
  await bearer.getByRole('button', { name: 'Apply credentials' }).click();
  await page.getByRole('button', { name: 'Close' }).first().click();
  return opened;
}

test('/docs can try a call with a key', async () => {
  const { page, complaints } = await openWithKey();
  const operation = page.locator('.opblock', { has: page.locator('[data-path="/devices"]') }).first();
  await operation.click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await operation.getByRole('button', { name: 'Execute' }).click();
  await operation.locator('.live-responses-table').getByText('"shop"').first().waitFor();
  await photograph(page, 'docs-3-tried');
  assert.deepEqual(complaints, []);
});

test('the form of /docs sends an image when a number and a file are given, each time as a new message', async () => {
  const { page, complaints } = await openWithKey();
  const operation = page.locator('#operations-Sending-sendImage');
  await operation.click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await operation.locator('[data-property-name="phone"] input').fill(PHONE);
  const file = { name: 'one.png', mimeType: 'image/png', buffer: samplePng() };
  await operation.locator('[data-property-name="image"] input[type="file"]').setInputFiles(file);
  for (const count of [1, 2]) {
    await operation.getByRole('button', { name: 'Execute' }).click();
    await waitUntil(`message ${count} has arrived`, () => worker.jobs.length === count, 10_000);
  }
  const live = operation.locator('.live-responses-table');
  await live.getByText('Image sent successfully').first().waitFor();
  await photograph(page, 'docs-4-sent');
  const { message_id, accepted_at, expires_at, caption, view_once, compress, hd, is_forwarded, ...job } =
    worker.jobs[1] ?? assert.fail();
  assert.notEqual(message_id, worker.jobs[0]?.message_id);
  assert.ok(expires_at - accepted_at > 3_600_000);
  assert.deepEqual(
    { caption, view_once, compress, hd, is_forwarded },
    {
      caption: '',
      view_once: false,
      compress: false,
      hd: false,
      is_forwarded: false,
    },
  );
  assert.ok(!('duration' in job) && !('reply_message_id' in job));
  assert.deepEqual(complaints, []);
});
