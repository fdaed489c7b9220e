import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { request, untilConnection } from '../support/api.ts';
import { openPage } from '../support/browser.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { registerLinkedDevices } from '../support/linked-devices.ts';
import { untilState } from '../support/message-status.ts';
import { photograph } from '../support/photograph.ts';
import { sendImage, sendImageJson } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';

const lifetime = new Lifetime();
const DEVICES = ['head-office', 'shop-jakarta', 'shop-surabaya', 'support-line', 'warehouse'];
const FRIENDS = ['6281234567890', '6281234500017', '6281277001122'];
let stack: Stack;

/** A night with something of everything: a lane that works, a paused one, one whose device was logged out, and failures. */
before(async () => {
  const workerEnv = { FAILED_BLOB_TTL_MS: '600000', SEND_ATTEMPTS: '1', WORKER_ID: 'worker-a' };
  stack = lifetime.use(await startStack({ workerEnv }), (started) => started.stop());
  await registerLinkedDevices(stack, DEVICES);
  for (const number of FRIENDS) stack.simulator.addPhone({ number });
  for (const device of DEVICES) await untilConnection(stack.url, device, 'connected');
  const image = await createPicture(1);
  const send = async (device: string, friend = 0) => {
    const fields = { phone: FRIENDS[friend] ?? '', image };
    const { results } = await sendImage(stack.url, device, fields, { Prefer: 'respond-async' });
    return String(results['message_id']);
  };
  for (let n = 0; n < 12; n += 1) await untilState(stack.url, await send('head-office', n % 3), 'delivered');
  stack.simulator.faults.add({ kind: 'nack', error: 463, to: FRIENDS[1] ?? '' });
  await untilState(stack.url, await send('shop-surabaya', 1), 'failed');
  stack.simulator.faults.add({ kind: 'nack', error: 479, to: FRIENDS[2] ?? '' });
  await untilState(stack.url, await send('warehouse', 2), 'failed');
  const wait = { Prefer: 'wait=10' };
  await sendImage(stack.url, 'head-office', { phone: '6289999999999', image }, wait);
  const lost = { phone: FRIENDS[0], image_url: 'http://127.0.0.1:1/menu.jpg' };
  await sendImageJson(stack.url, 'head-office', lost, wait);
  await request(stack.url, 'POST', '/lanes/shop-jakarta/pause');
  for (let n = 0; n < 18; n += 1) await send('shop-jakarta', n % 3);
  await request(stack.url, 'POST', '/devices/support-line/logout');
  await request(stack.url, 'POST', '/devices', { device_id: 'new-shop' });
  stack.simulator.faults.add({ kind: 'drop_ack', to: FRIENDS[0] ?? '', count: null });
  for (let n = 0; n < 5; n += 1) await send('warehouse');
});
after(() => lifetime.stop());

async function open(view: string, options: BrowserContextOptions = {}): Promise<Page> {
  const { page, complaints } = await openPage(lifetime, `${stack.url}/#${view}`, {
    viewport: { width: 1180, height: 900 },
    reducedMotion: 'reduce',
    ...options,
  });
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByText('support-line is logged out').waitFor();
  assert.deepEqual(complaints, []);
  return page;
}

const overflow = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');

test('the devices', async () => {
  await photograph(await open('devices'), 'devices');
});

test('the lanes, which the README shows', async () => {
  const page = await open('lanes');
  await page.getByText('The lane of shop-jakarta is paused; 18 messages in it').waitFor();
  await photograph(page, 'dashboard');
});

test('the failures', async () => {
  const page = await open('messages');
  await page.locator('#messages').getByLabel('State').selectOption('failed');
  await page.locator('#message-list').getByText('WA_REACHOUT_TIMELOCK').waitFor();
  await photograph(page, 'failures');
});

for (const [name, colorScheme] of [
  ['phone', 'light'],
  ['phone-dark', 'dark'],
] as const) {
  test(`a phone, ${colorScheme}: nothing is wider than the screen`, async () => {
    const phone = { viewport: { width: 360, height: 760 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
    const page = await open('devices', { ...phone, colorScheme });
    for (const view of ['devices', 'lanes', 'messages', 'send']) {
      await page.goto(`${stack.url}/#${view}`);
      await page.locator(`#${view}`).waitFor();
      assert.equal(await overflow(page), 0, view);
      await photograph(page, `${name}-${view}`);
    }
  });
}

test('the dark', async () => {
  await photograph(await open('lanes', { colorScheme: 'dark' }), 'dark');
  await photograph(await open('messages', { colorScheme: 'dark' }), 'dark-messages');
});
