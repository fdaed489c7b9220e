import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import { openPage } from '../support/browser.ts';
import { type Stack, startStack } from '../support/stack.ts';

const REFUSED = /the connection was refused: .* \(ECONNREFUSED\)/;
const lifetime = new Lifetime();
let stack: Stack;

before(async () => {
  // Nothing listens on the discard port, as if a firewall stood before WhatsApp.
  const workerEnv = { WA_WEBSOCKET_URL: 'ws://127.0.0.1:9/ws/chat' };
  stack = lifetime.use(await startStack({ workerEnv }), (started) => started.stop());
});
after(() => lifetime.stop());

test('without a way to WhatsApp the dialog and the list say why no QR comes', async () => {
  const { page, complaints } = await openPage(lifetime, stack.url);
  page.setDefaultTimeout(40_000);
  await page.getByLabel('New device').fill('office');
  await page.getByRole('button', { name: 'Add device' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(REFUSED).waitFor();
  await dialog.getByRole('button', { name: 'Try again' }).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('#device-list > li').getByText(REFUSED).waitFor();
  assert.deepEqual(complaints, []);
});
