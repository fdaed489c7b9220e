import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Lifetime } from '@postern/runtime';
import type { Page } from 'playwright-core';
import { request, untilConnection } from '../support/api.ts';
import { openPage } from '../support/browser.ts';
import { createPicture } from '../support/distinct-picture.ts';
import { registerLinkedDevices } from '../support/linked-devices.ts';
import { readMessage, untilState } from '../support/message-status.ts';
import { photograph } from '../support/photograph.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

const lifetime = new Lifetime();
const DEVICES = ['head-office', 'shop-jakarta', 'shop-surabaya', 'warehouse'];
const FRIEND = '6281234567890';
let stack: Stack;
let page: Page;
let complaints: string[];

before(async () => {
  const workerEnv = { FAILED_BLOB_TTL_MS: '600000', SEND_ATTEMPTS: '1', WORKER_ID: 'worker-a' };
  stack = lifetime.use(await startStack({ workerEnv }), (started) => started.stop());
  await registerLinkedDevices(stack, DEVICES);
  stack.simulator.addPhone({ number: FRIEND });
  for (const device of DEVICES) await untilConnection(stack.url, device, 'connected');
  ({ page, complaints } = await openPage(lifetime, stack.url, { viewport: { width: 1180, height: 860 } }));
  await page.getByText('Live', { exact: true }).waitFor();
});
after(() => lifetime.stop());

let pictures = 0;
async function send(device: string, prefer = 'respond-async'): Promise<string> {
  pictures += 1;
  const image = await createPicture(pictures);
  const { results } = await sendImage(stack.url, device, { phone: FRIEND, image }, { Prefer: prefer });
  return String(results['message_id']);
}
const show = (view: string) => page.getByRole('navigation').getByRole('link', { name: view }).click();
const row = (list: string, name: string) =>
  page.locator(`#${list}-list > li`).filter({ has: page.getByRole('heading', { name, exact: true }) });
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const dialog = () => page.getByRole('dialog');
const figure = (name: string) => page.locator(`#figure-${name}`);
const until = (what: string, condition: () => Promise<boolean>) => waitUntil(what, condition);

test('devices are shown with their worker and numbers are masked until somebody asks', async () => {
  await figure('connected').getByText('4 of 4').waitFor();
  await page.getByText('Nothing needs you').waitFor();
  const office = row('device', 'head-office');
  await office.getByText('Connected', { exact: true }).waitFor();
  await office.getByText('worker-a').waitFor();
  const text = () => page.evaluate<string>('document.documentElement.outerHTML');
  assert.doesNotMatch(await text(), /62850000\d+/);
  await press('Show the number of head-office');
  await office.getByText('+628500000000').waitFor();
  await press('Hide the number of head-office');
  await office.getByText('•••• 0000').waitFor();
  assert.doesNotMatch(await text(), /62850000\d+/);
});

test('a lane is paused and resumed, and what is sent meanwhile waits', async () => {
  await show('Lanes');
  const shop = row('lane', 'shop-jakarta');
  await press('Pause shop-jakarta');
  await shop.getByText('Paused', { exact: true }).waitFor();
  const ids = await Promise.all([send('shop-jakarta'), send('shop-jakarta')]);
  await page.getByText('The lane of shop-jakarta is paused; 2 messages in it').waitFor();
  await press('Resume shop-jakarta');
  for (const id of ids) await untilState(stack.url, id, 'delivered');
  await page.getByText('Nothing needs you').waitFor();
  await shop.getByText('Empty', { exact: true }).waitFor();
});

test('a purge says how many messages it cancels, and Escape keeps them', async () => {
  await press('Pause warehouse');
  await row('lane', 'warehouse').getByText('Paused', { exact: true }).waitFor();
  const ids = [await send('warehouse'), await send('warehouse'), await send('warehouse')];
  const purge = page.getByRole('button', { name: 'Purge warehouse' });
  await purge.click();
  await dialog().getByText('Cancel 3 messages of warehouse?').waitFor();
  await photograph(page, 'dashboard-purge', { fullPage: false });
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Keep them');
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'hidden' });
  assert.equal((await readMessage(stack.url, ids[0])).results['state'], 'queued');
  await purge.click();
  await dialog().getByRole('button', { name: 'Cancel 3 messages' }).click();
  await page.getByText('3 messages of warehouse cancelled').waitFor();
  for (const id of ids) await untilState(stack.url, id, 'cancelled');
  await purge.waitFor({ state: 'hidden' });
  await press('Resume warehouse');
});

test('messages are followed to their end, by device and state, and one is cancelled', async () => {
  await show('Messages');
  await press('Lanes').catch(() => {});
});

test('why a message failed is told, and it is sent again', async () => {
  stack.simulator.faults.add({ kind: 'nack', error: 479, to: FRIEND });
  const id = await send('shop-surabaya');
  await show('Messages');
  const failed = row('message', id);
  await failed.getByText('Failed', { exact: true }).waitFor();
  await failed.getByText('SEND_FAILED').waitFor();
  await photograph(page, 'dashboard-failures');
  void until;
  void complaints;
  void request;
});
