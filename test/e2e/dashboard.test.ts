import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createKeys } from '@postern/registry';
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
const show = (view: string) => page.getByRole('navigation').getByRole('link', { name: view, exact: true }).click();
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

test('messages are found by device and state, and one that waits is cancelled', async () => {
  await request(stack.url, 'POST', '/lanes/shop-jakarta/pause');
  const [first, second] = [await send('shop-jakarta'), await send('shop-jakarta')];
  await show('Messages');
  const messages = page.locator('#message-list > li');
  await row('message', second).waitFor();
  await page.locator('#messages').getByLabel('Device').selectOption('head-office');
  await page.locator('#messages').getByText('Nothing matches').or(page.getByText('No message matches')).waitFor();
  await page.locator('#messages').getByLabel('Device').selectOption('shop-jakarta');
  await page.locator('#messages').getByLabel('State').selectOption('queued');
  await until('the two that wait are shown', async () => (await messages.count()) === 2);

  await press(`Cancel message …${first.slice(-6)}`);
  await dialog().getByRole('button', { name: 'Cancel it' }).click();
  await page.getByText(`Message …${first.slice(-6)} is cancelled`).waitFor();
  await until('it is queued no more', async () => (await messages.count()) === 1);
  assert.equal((await readMessage(stack.url, first)).results['state'], 'cancelled');
  await request(stack.url, 'POST', '/lanes/shop-jakarta/resume');
  await untilState(stack.url, second, 'delivered');
  await page.locator('#messages').getByLabel('State').selectOption('delivered');
  await row('message', second).getByText('Delivered', { exact: true }).waitFor();
  await page.locator('#messages').getByLabel('State').selectOption('');
  await page.locator('#messages').getByLabel('Device').selectOption('');
});

test('why a message failed is told, its number shown when asked for, and it is sent again', async () => {
  const fault = stack.simulator.faults.add({ kind: 'nack', error: 479, to: FRIEND });
  const id = await send('shop-surabaya');
  const failed = row('message', id);
  await failed.getByText('Failed', { exact: true }).waitFor();
  await failed.getByText('SEND_FAILED').waitFor();
  await figure('failed').getByText('1', { exact: true }).waitFor();
  await press(`Show the number of message …${id.slice(-6)}`);
  await failed.getByText(`+${FRIEND}`).waitFor();
  stack.simulator.faults.remove(fault);
  await press(`Retry message …${id.slice(-6)}`);
  await page.getByText('Queued again as').waitFor();
  const again = page.locator('#message-list > li').first();
  await again.getByText('Delivered', { exact: true }).waitFor();
  await show('Lanes');
  await row('lane', 'shop-surabaya').getByText('SEND_FAILED').waitFor();
  await stack.redis.del(createKeys('postern').device('shop-surabaya').failedJob(id));
  await page.reload();
  await show('Messages');
  await failed.getByText('SEND_FAILED').waitFor();
  assert.equal(await failed.getByRole('button', { name: /^Retry/ }).isVisible(), false, 'nothing of it is kept');
});

test('a list of all devices by state is not read again every few seconds, one of a device is', async () => {
  const { page: other } = await openPage(lifetime, 'about:blank');
  await other.clock.install();
  await other.goto(stack.url);
  await other.getByText('Live', { exact: true }).waitFor();
  await other.getByRole('navigation').getByRole('link', { name: 'Messages', exact: true }).click();
  let lists = 0;
  other.on('request', (asked) => {
    if (new URL(asked.url()).pathname === '/messages') lists += 1;
  });
  await other.locator('#messages').getByLabel('State').selectOption('failed');
  await until('it is read', () => Promise.resolve(lists === 1));
  await other.clock.runFor(20_000);
  assert.equal(lists, 1);
  await other.clock.runFor(60_000);
  await until('it is read again after a minute', () => Promise.resolve(lists === 2));
  await other.locator('#messages').getByLabel('Device').selectOption('warehouse');
  await until('it is read', () => Promise.resolve(lists === 3));
  await other.clock.runFor(10_500);
  await until('it is followed', () => Promise.resolve(lists === 5));
});

test('reconnecting a connected device asks first, and the page follows it', async () => {
  await show('Devices');
  const since = await row('device', 'warehouse').locator('time').first().getAttribute('datetime');
  await press('Reconnect warehouse');
  await dialog().getByRole('button', { name: 'Cancel' }).click();
  await press('Reconnect warehouse');
  await dialog().getByRole('button', { name: 'Reconnect' }).click();
  await page.getByText('warehouse is reconnecting').waitFor();
  await until('it is connected anew', async () => {
    const now = await row('device', 'warehouse').locator('time').first().getAttribute('datetime');
    return now !== since && (await row('device', 'warehouse').getByText('Connected', { exact: true }).isVisible());
  });
});

test('everything is reached by keyboard, and a pressed button keeps the focus', async () => {
  await show('Lanes');
  await page.keyboard.press('Tab');
  const focused = () => page.evaluate<string>("document.activeElement.getAttribute('aria-label') ?? ''");
  for (let presses = 0; (await focused()) !== 'Pause head-office' && presses < 20; presses += 1) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await until('it says what it does now', async () => (await focused()) === 'Resume head-office');
  const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
  assert.equal(outline, 'solid');
  await page.keyboard.press('Enter');
  await until('it goes on', async () => (await focused()) === 'Pause head-office');
});

test('a gateway that is gone is said, and what is true is shown when it is back', async () => {
  assert.deepEqual(complaints, []);
  const port = String(stack.gateway.ready['port']);
  await stack.gateway.stop();
  await page.getByText('Reconnecting', { exact: true }).waitFor();
  await page.getByText(/The connection to the gateway was lost; trying again. What you see is from/).waitFor();
  await press('Pause head-office');
  await page.getByRole('alert').filter({ hasText: 'The gateway cannot be reached' }).waitFor();
  await photograph(page, 'dashboard-lost', { fullPage: false });
  await stack.redis.set('postern:{warehouse}:lane-paused', String(Date.now()));
  await stack.startGateway({ PORT: port });
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByText('The connection to the gateway was lost').waitFor({ state: 'hidden' });
  await row('lane', 'warehouse').getByText('Paused', { exact: true }).waitFor();
});

test('a key that may only read is offered nothing else, and signs out', async () => {
  const guarded = await stack.startGateway({ API_KEYS: 'night:a-secret-for-the-night:warehouse:read' });
  const url = `http://127.0.0.1:${String(guarded.ready['port'])}`;
  const opened = await openPage(lifetime, url);
  await opened.page.getByLabel('API key').fill('a-secret-for-the-night');
  await opened.page.getByRole('button', { name: 'Sign in' }).click();
  const device = opened.page.locator('#device-list > li');
  await device.getByText('warehouse').waitFor();
  assert.equal(await device.count(), 1);
  for (const name of ['Reconnect warehouse', 'Log out warehouse', 'Delete warehouse', 'Add device']) {
    assert.equal(await opened.page.getByRole('button', { name }).isVisible(), false, name);
  }
  await opened.page.getByRole('link', { name: 'Lanes', exact: true }).click();
  await opened.page.locator('#lane-list > li').getByText('Paused', { exact: true }).waitFor();
  assert.equal(await opened.page.getByRole('button', { name: 'Resume warehouse' }).isVisible(), false);
  await opened.page.getByRole('button', { name: 'Sign out' }).click();
  await opened.page.getByLabel('API key').waitFor();
});
