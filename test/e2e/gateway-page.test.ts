import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import type { Page } from 'playwright-core';
import { openPage } from '../support/browser.ts';
import { photograph } from '../support/photograph.ts';
import { readQrOffScreen } from '../support/read-qr.ts';
import { type Stack, startStack } from '../support/stack.ts';

const lifetime = new Lifetime();
const SAMPLE = 'apps/demo/samples/photo.jpg';
let stack: Stack;

before(async () => {
  stack = lifetime.use(await startStack(), (started) => started.stop());
});
after(() => lifetime.stop());

const card = (page: Page, deviceId: string) =>
  page.locator('#device-list > li').filter({ has: page.getByRole('heading', { name: deviceId, exact: true }) });

async function addDevice(page: Page, deviceId: string): Promise<void> {
  await page.getByLabel('New device').fill(deviceId);
  await page.getByRole('button', { name: 'Add device' }).click();
}

test('a device is added, linked by the QR on the screen, sends a picture, is logged out and deleted', async (t) => {
  const { page, complaints } = await openPage(lifetime, stack.url);
  const phone = stack.simulator.addPhone({ number: '6281300000001', name: 'Linker' });
  const friend = stack.simulator.addPhone({ number: '6281300000002', name: 'Friend' });
  await page.getByText('No device yet').waitFor();
  await photograph(page, '1-empty');

  await t.test('the QR on the screen links the device', async () => {
    await addDevice(page, 'office');
    const qr = await readQrOffScreen(page.getByAltText('QR to link office'));
    await photograph(page, '2-qr');
    await phone.scan(qr);
    await card(page, 'office').getByText('Connected', { exact: true }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await card(page, 'office').getByText('•••• 0001').waitFor();
    await photograph(page, '3-connected');
  });

  await t.test('the form sends a picture to a phone', async () => {
    await page.getByRole('link', { name: 'Send', exact: true }).click();
    await page.getByLabel('To', { exact: true }).fill('+62 813-0000-0002');
    await page.getByLabel('Image', { exact: true }).setInputFiles(SAMPLE);
    await page.getByLabel('Caption').fill('From the page');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText('Image sent successfully').waitFor();
    const message = await friend.waitFor((received) => received.caption === 'From the page');
    assert.equal(message.width, 1280);
    await photograph(page, '4-sent');
  });

  await t.test('what the gateway refuses is shown in its words', async () => {
    await page.getByLabel('To', { exact: true }).fill('0812');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByText('(VALIDATION_ERROR)').waitFor();
    complaints.splice(0);
  });

  await t.test('logging out and deleting ask first', async () => {
    await page.getByRole('link', { name: 'Devices' }).click();
    await page.getByRole('button', { name: 'Log out office' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await card(page, 'office').getByText('Connected', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Log out office' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('button', { name: 'Link office' }).waitFor();
    await page.getByRole('button', { name: 'Delete office' }).click();
    await photograph(page, '5-confirm');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No device yet').waitFor();
  });

  assert.deepEqual(complaints, []);
});

test('a device is linked by a code for a number', async () => {
  const { page, complaints } = await openPage(lifetime, stack.url);
  const phone = stack.simulator.addPhone({ number: '6281300000003', name: 'Coder' });
  await addDevice(page, 'by-code');
  await page.getByAltText('QR to link by-code').waitFor();
  await page.getByText('Link with a code instead').click();
  await page.getByLabel('The phone’s number').fill('+62 813-0000-0003');
  await page.getByRole('button', { name: 'Get code' }).click();
  const code = page.locator('#pair-code');
  await code.waitFor();
  await photograph(page, '6-code');
  const text = (await code.textContent()) ?? '';
  assert.match(text, /^[A-Z0-9]{4}-[A-Z0-9]{4}$/);
  await phone.linkByCode(text.replace('-', ''));
  await card(page, 'by-code').getByText('Connected', { exact: true }).waitFor();
  assert.deepEqual(complaints, []);
});

test('on a phone in the dark nothing is wider than the screen, and the dialog fits', async () => {
  const { page, complaints } = await openPage(lifetime, stack.url, {
    viewport: { width: 340, height: 700 },
    colorScheme: 'dark',
    deviceScaleFactor: 2,
  });
  await addDevice(page, 'a-device-with-a-rather-long-name-that-has-to-be-broken@somewhere');
  await page.getByAltText(/^QR to link/).waitFor();
  await photograph(page, '7-phone-qr');
  const overflow = () => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  assert.equal(await overflow(), 0);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await photograph(page, '8-phone-list');
  assert.equal(await overflow(), 0);
  assert.deepEqual(complaints, []);
});

test('a gateway with keys asks for one, refuses a wrong one, and shows QRs after a right one', async () => {
  const guarded = await stack.startGateway({ API_KEYS: 'owner:a-long-enough-secret-of-the-owner' });
  const { page } = await openPage(lifetime, `http://127.0.0.1:${String(guarded.ready['port'])}`);
  await page.getByLabel('API key').fill('nonsense');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The key is not valid').waitFor();
  await photograph(page, '9-sign-in');
  await page.getByLabel('API key').fill('a-long-enough-secret-of-the-owner');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await addDevice(page, 'guarded');
  await page.getByAltText('QR to link guarded').waitFor();
  const stored = await page.evaluate('JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])');
  assert.equal(stored, '["",{},{}]');
});

test('without a worker the dialog says why there is no QR, and tries again when asked', async () => {
  const alone = await stack.startGateway({ REDIS_PREFIX: 'nobody', BLOB_DIR: `${stack.blobDirectory}-of-nobody` });
  const { page } = await openPage(lifetime, `http://127.0.0.1:${String(alone.ready['port'])}`);
  await addDevice(page, 'lonely');
  await page.getByRole('button', { name: 'Try again' }).waitFor({ timeout: 20_000 });
  assert.match((await page.locator('#qr-state').textContent()) ?? '', /worker/i);
  await photograph(page, '10-no-worker');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('Asking for a QR').waitFor();
});

test('the page is served with a policy that allows nothing from elsewhere', async () => {
  const response = await fetch(`${stack.url}/`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/html/);
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'self'/);
  assert.doesNotMatch(await response.text(), /<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=/);
});
