import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Failure, type Mail } from '@postern/contract';
import { startMailbox } from '@postern/queue';
import { connectRedis } from '@postern/registry';
import { type GatewayUnderTest, startGatewayUnderTest } from '../testing/gateway-under-test.ts';
import { type Answer, sendForm, toAnswer } from '../testing/send-form.ts';

let tested: GatewayUnderTest;
let peer: string;
before(async () => {
  tested = await startGatewayUnderTest({
    API_KEYS: 'all:a-secret-for-tests,shop:s-secret-for-tests:shop,reader:r-secret-for-tests:*:read|send',
    SYNC_WAIT_MS: '8000',
  });
  peer = await tested.startPeer();
});
afterEach(() => tested.reset());
after(() => tested.stop());

async function ask(method: string, path: string, secret = 'a'): Promise<Answer> {
  return toAnswer(
    await fetch(`${tested.url}${path}`, { method, headers: { 'x-api-key': `${secret}-secret-for-tests` } }),
  );
}
const send = (deviceId: string, headers: Record<string, string> = {}, url = tested.url) =>
  sendForm(url, {}, { 'x-api-key': 'a-secret-for-tests', 'x-device-id': deviceId, ...headers });
const queue = async (deviceId: string) => {
  const { body } = await send(deviceId, { prefer: 'respond-async' });
  return String(body.results?.['message_id']);
};
const lanesOf = async (secret?: string) =>
  (await ask('GET', '/lanes', secret)).body.results as unknown as Record<string, unknown>[];

test('each visible device has a lane, with what waits, since when, and what failed last', async () => {
  await tested.addDevice('shop');
  await tested.addDevice('office');
  const [failed, waits] = [await queue('shop'), await queue('shop')];
  await tested.messages.markFailed('shop', failed, new Failure('SEND_FAILED', 'refused', { details: { reason: 479 } }));
  const [office, shop] = await lanesOf();
  const quiet = { depth: { waiting: 0, active: 0 }, rate_per_minute: 0, paused: false, owner: 'worker-1' };
  assert.deepEqual(office, { device_id: 'office', ...quiet });
  assert.deepEqual([shop?.['device_id'], shop?.['depth']], ['shop', { waiting: 2, active: 0 }]);
  assert.ok(Number(shop?.['oldest_age_seconds']) < 5 && typeof shop?.['oldest_at'] === 'string');
  const { at, ...error } = shop['last_error'] as Record<string, unknown>;
  assert.deepEqual(error, { code: 'SEND_FAILED', message: 'refused', message_id: failed });
  assert.ok(Date.now() - Date.parse(String(at)) < 5_000);
  assert.deepEqual(
    (await lanesOf('s')).map((lane) => lane['device_id']),
    ['shop'],
  );
  await tested.messages.markSent('shop', waits, Date.now());
});

test('a lane is paused and resumed, its owner is told, and what is accepted meanwhile waits', async () => {
  await tested.addDevice('shop');
  const mail: Mail[] = [];
  const onError = (error: unknown) => assert.fail(String(error));
  const mailbox = await startMailbox({
    redis: await connectRedis({ url: tested.server.url, name: 'owner', profile: 'patient', onError: () => {} }),
    keys: tested.keys,
    processId: 'worker-1',
    onMail: (letter) => mail.push(letter),
    onError,
  });
  const paused = await ask('POST', '/lanes/shop/pause');
  assert.deepEqual([paused.status, paused.body.results?.['paused']], [200, true]);
  const since = paused.body.results?.['paused_since'];
  assert.equal((await ask('POST', '/lanes/shop/pause')).body.results?.['paused_since'], since);
  await queue('shop');
  assert.deepEqual((await ask('POST', '/lanes/shop/resume')).body.results?.['depth'], { waiting: 1, active: 0 });
  assert.deepEqual((await lanesOf())[0]?.['paused'], false);
  for (const deadline = Date.now() + 5_000; mail.length < 3; ) {
    assert.ok(Date.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const hints = mail.filter(({ type }) => type === 'lane_pause_changed');
  assert.deepEqual(new Set(hints.map((hint) => JSON.stringify(hint))).size, 1);
  assert.deepEqual(hints[2], { type: 'lane_pause_changed', device_id: 'shop' });
  await mailbox.stop();
});

test('a purge cancels what waits, answers who waits for it anywhere, and leaves nothing behind', async () => {
  await tested.addDevice('shop');
  await tested.addDevice('office');
  const waiting = [send('shop'), send('shop', {}, peer)];
  const other = await queue('office');
  for (const deadline = Date.now() + 5_000; (await tested.laneSize('shop')) < 2; ) assert.ok(Date.now() < deadline);
  await queue('shop');
  const purged = await ask('POST', '/lanes/shop/purge');
  assert.deepEqual([purged.status, purged.body.results], [200, { device_id: 'shop', cancelled: 3 }]);
  for (const answer of await Promise.all(waiting)) {
    assert.deepEqual([answer.status, answer.body.code], [409, 'CANCELLED']);
    const found = await ask('GET', `/messages/${String(answer.body.results?.['message_id'])}`);
    assert.equal(found.body.results?.['state'], 'cancelled');
  }
  assert.equal(await tested.laneSize('shop'), 0);
  assert.deepEqual(await tested.storedFiles(), [other]);
  assert.deepEqual(await tested.redis.zrange(tested.keys.deadlines, '0', '-1'), [`office|${other}`]);
  assert.deepEqual((await ask('POST', '/lanes/shop/purge')).body.results, { device_id: 'shop', cancelled: 0 });
});

test('a lane takes commands only for a device that is there and the key’s, and by the method that is meant', async () => {
  await tested.addDevice('shop');
  await tested.addDevice('office');
  for (const command of ['pause', 'resume', 'purge']) {
    const codeOf = async (method: string, device: string, secret: string) => {
      const { status, body } = await ask(method, `/lanes/${device}/${command}`, secret);
      return `${status} ${body.code}`;
    };
    assert.equal(await codeOf('POST', 'shop', 'wrong'), '401 AUTHENTICATION_ERROR');
    assert.equal(await codeOf('POST', 'shop', 'r'), '403 FORBIDDEN');
    assert.equal(await codeOf('POST', 'office', 's'), '403 FORBIDDEN');
    assert.equal(await codeOf('POST', 'nobody', 'a'), '404 DEVICE_NOT_FOUND');
    assert.equal(await codeOf('GET', 'shop', 'a'), '405 METHOD_NOT_ALLOWED');
  }
  assert.equal((await ask('POST', '/lanes')).status, 405);
  assert.equal((await ask('GET', '/lanes', 'wrong')).status, 401);
  assert.equal((await lanesOf())[1]?.['paused'], false);
});
