import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import { openPage } from '../support/browser.ts';
import { readQrOffScreen } from '../support/read-qr.ts';
import { startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const lifetime = new Lifetime();
after(() => lifetime.stop());

test('the page replaces a QR that has run out by a fresh one, which can be scanned', async () => {
  const stack = lifetime.use(await startStack(), (started) => started.stop());
  const phone = stack.simulator.addPhone({ number: '6281300000001' });
  const { page, complaints } = await openPage(lifetime, stack.url);
  await page.getByLabel('New device').fill('patient');
  await page.getByRole('button', { name: 'Add device' }).click();
  const image = page.getByAltText('QR to link patient');
  const first = await readQrOffScreen(image);
  const source = await image.getAttribute('src');
  // Baileys shows its first QR for a minute.
  await waitUntil('a fresh QR is shown', async () => (await image.getAttribute('src')) !== source, 90_000);
  const second = await readQrOffScreen(image);
  assert.notEqual(second, first);
  await phone.scan(second);
  await page.locator('#figure-connected').getByText('1 of 1').waitFor();
  assert.deepEqual(complaints, []);
});
