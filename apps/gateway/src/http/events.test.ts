import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Failure } from '@postern/contract';
import { createDevices } from '@postern/registry';
import { delay } from '@postern/runtime';
import { type EventReader, openEvents, type ReceivedEvent } from '../testing/event-reader.ts';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { sendForm } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
let peer: string;
const open: EventReader[] = [];
before(async () => {
  tested = await startGatewayUnderTest({
    API_KEYS: 'all:a-secret-for-tests,shop:s-secret-for-tests:shop:read,sender:w-secret-for-tests:*:send',
  });
  peer = await tested.startPeer();
});
afterEach(async () => {
  for (const reader of open.splice(0)) reader.stop();
  await tested.reset();
});
after(() => tested.stop());

async function listen(key: string, url = tested.url): Promise<EventReader> {
  const reader = await openEvents(url, `${key}-secret-for-tests`);
  open.push(reader);
  return reader;
}
const post = (path: string, url = tested.url) =>
  fetch(`${url}${path}`, { method: 'POST', headers: { 'x-api-key': 'a-secret-for-tests' } });
const send = async (deviceId: string, url = tested.url) => {
  const headers = { 'x-api-key': 'a-secret-for-tests', 'x-device-id': deviceId, prefer: 'respond-async' };
  return String((await sendForm(url, {}, headers)).body.results?.['message_id']);
};
const is =
  (event: string, fields: Record<string, unknown> = {}) =>
  ({ event: name, data }: ReceivedEvent) =>
    name === event && Object.entries(fields).every(([field, value]) => data[field] === value);

test('a stream begins with everything the key may see, and with what it may do', async () => {
  await tested.addDevice('shop');
  await tested.addDevice('office');
  const [shop, office] = [await send('shop'), await send('office')];
  const all = await listen('a');
  await all.next(is('synced'));
  const ids = (reader: EventReader, event: string) =>
    reader.events.filter(is(event)).map(({ data }) => data[event === 'message' ? 'message_id' : 'device_id']);
  assert.deepEqual(ids(all, 'device'), ['office', 'shop']);
  assert.deepEqual(ids(all, 'lane'), ['office', 'shop']);
  assert.deepEqual(new Set(ids(all, 'message')), new Set([shop, office]));
  assert.deepEqual(all.events[0]?.data['actions'], ['send', 'read', 'manage']);
  assert.match(all.text(), /^retry: \d+\n\n/);

  const limited = await listen('s');
  await limited.next(is('synced'));
  assert.deepEqual([ids(limited, 'device'), ids(limited, 'message')], [['shop'], [shop]]);
  assert.deepEqual(limited.events[0]?.data['actions'], ['read']);
  assert.doesNotMatch(all.text() + limited.text(), /\d{7,}@/, 'numbers are masked');
});

test('how many streams are open is a metric', async () => {
  const streams = async () => {
    const page = await (await fetch(`http://127.0.0.1:${tested.gateway.metricsPort}/metrics`)).text();
    return Number(page.match(/^postern_event_streams (\d+)$/m)?.[1]);
  };
  // Those of earlier tests close in their own time.
  for (let tries = 0; tries < 100 && (await streams()) > 0; tries += 1) await delay(50);
  assert.equal(await streams(), 0);
  const readers = [await listen('a'), await listen('s')];
  for (const reader of readers) await reader.next(is('synced'));
  assert.equal(await streams(), 2);
});

test('what happens anywhere is told at every gateway, and only to those who may see it', async () => {
  await tested.addDevice('shop');
  const [here, there, limited] = [await listen('a'), await listen('a', peer), await listen('s')];
  for (const reader of [here, there, limited]) await reader.next(is('synced'));

  const messageId = await send('shop', peer);
  await tested.addDevice('office', { state: 'disconnected', reason: 'the number 628123456789 is banned' });
  for (const reader of [here, there, limited])
    await reader.next(is('message', { message_id: messageId, state: 'queued' }));
  for (const reader of [here, there]) {
    const { data } = await reader.next(is('device', { device_id: 'office' }));
    assert.equal((data['connection'] as Record<string, unknown>)['reason'], 'the number …6789 is banned');
  }
  await tested.messages.beginAttempt('shop', messageId, 'worker-1#1');
  await tested.messages.markFailed('shop', messageId, new Failure('SEND_FAILED', 'refused by 628123456789'));
  await limited.next(({ event, data }) => event === 'lane' && data['last_error'] !== undefined);
  const failed = await limited.next(is('message', { state: 'failed' }));
  assert.deepEqual(failed.data['error'], { code: 'SEND_FAILED', message: 'refused by …6789' });

  await post('/lanes/shop/pause', peer);
  for (const reader of [here, there, limited]) await reader.next(is('lane', { device_id: 'shop', paused: true }));
  await createDevices(tested.redis, tested.keys).beginRemoval('office', 'worker-1#1');
  await createDevices(tested.redis, tested.keys).beginRemoval('shop', 'worker-1#1');
  for (const reader of [here, there]) await reader.next(is('device_removed', { device_id: 'office' }));
  await limited.next(is('device_removed', { device_id: 'shop' }));
  assert.doesNotMatch(limited.text(), /office/);
});

test('an old message that fails is told although many newer ones were accepted', async () => {
  await tested.addDevice('shop');
  const old = await send('shop');
  const record = await tested.messages.read('shop', old);
  assert.ok(record);
  for (let n = 0; n < 150; n += 1) {
    const message_id = `3EB0${n.toString(16).toUpperCase().padStart(18, '0')}`;
    await tested.messages.create({ ...record, message_id, created_at: record.created_at + 1 + n });
  }
  const reader = await listen('a');
  await reader.next(is('synced'));
  assert.equal(reader.events.filter(is('message')).length, 100);
  assert.equal(reader.events.filter(is('message', { message_id: old })).length, 0);
  await tested.messages.markFailed('shop', old, new Failure('EXPIRED', 'it waited too long'));
  await reader.next(is('message', { message_id: old, state: 'failed' }));
});

test('nothing is read while nobody listens', async () => {
  await tested.addDevice('shop');
  const reader = await listen('a');
  await reader.next(is('synced'));
  reader.stop();
  await reader.ended;
  const calls = async () => {
    const stats = await tested.redis.info('commandstats');
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  };
  // The gateway notices that the reader is gone; a look that was under way ends.
  const deadline = Date.now() + 10_000;
  for (let last = -1, now = await calls(); last !== now; now = await calls()) {
    assert.ok(Date.now() < deadline, 'it still looks');
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 1_300));
  }
});

test('a Redis that is away is said once, and once that it is back', async (t) => {
  await tested.addDevice('shop');
  const reader = await listen('a');
  await reader.next(is('synced'));
  process.kill(tested.server.pid, 'SIGSTOP');
  t.after(() => process.kill(tested.server.pid, 'SIGCONT'));
  await reader.next(is('stale'));
  process.kill(tested.server.pid, 'SIGCONT');
  await reader.next(is('synced'));
  const told = reader.events.map(({ event }) => event).filter((event) => event === 'stale' || event === 'synced');
  assert.deepEqual(told, ['synced', 'stale', 'synced']);
});

test('a stream needs a key that may read, and a GET', async () => {
  const ask = async (key: string, method = 'GET') =>
    (await fetch(`${tested.url}/events`, { method, headers: { 'x-api-key': `${key}-secret-for-tests` } })).status;
  assert.equal(await ask('wrong'), 401);
  assert.equal(await ask('w'), 403);
  assert.equal(await ask('a', 'POST'), 405);
  assert.equal(await ask('a', 'HEAD'), 200);
});

test('a gateway that stops ends its streams at once', async () => {
  const other = await startGatewayUnderTest({ API_KEYS: 'all:a-secret-for-tests' });
  const reader = await openEvents(other.url, 'a-secret-for-tests');
  await reader.next(is('synced'));
  const [started] = [performance.now()];
  await Promise.all([other.gateway.stop(), reader.ended]);
  assert.ok(performance.now() - started < 3_000);
  await other.stop();
});
