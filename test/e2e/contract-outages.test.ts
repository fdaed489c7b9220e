import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startRedisRelay } from '@postern/local-redis';
import type { Phone } from '@postern/simulator';
import { request } from '../support/api.ts';
import { assertNothingLeft, assertRefused, assertSent, untilState } from '../support/message-status.ts';
import { photo } from '../support/pictures.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { waitUntil } from '../support/wait-until.ts';

let stack: Stack;
let friend: Phone;
let image: Buffer;
before(async () => {
  // A receipt would prove what the ack does not yet say.
  stack = await startStack({
    simulator: { autoReceipts: 'none' },
    gatewayEnv: { BLOB_GRACE_MS: '3000' },
    workerEnv: { LEASE_TTL_MS: '2000' },
  });
  await stack.pair('my-device', '6280000000001');
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  image = await photo(100, 100);
});
after(() => stack.stop());

const send = (url = stack.url, headers: Record<string, string> = {}) =>
  sendImage(url, 'my-device', { phone: friend.number, image }, headers);
const UNAVAILABLE = { status: 503, code: 'QUEUE_UNAVAILABLE' };

test('QUEUE_UNAVAILABLE: a Redis that answers nothing, and one that refuses to write; nothing was accepted', async () => {
  await stack.redis.call('CLIENT', 'PAUSE', '2500', 'ALL');
  const silent = await send();
  assert.match(silent.headers.get('retry-after') ?? '', /^\d+$/);
  await assertRefused(stack, 'my-device', silent, UNAVAILABLE);
  await stack.redis.config('SET', 'maxmemory', '1');
  const full = await send();
  await stack.redis.config('SET', 'maxmemory', '0');
  assert.match(full.headers.get('retry-after') ?? '', /^\d+$/);
  await assertRefused(stack, 'my-device', full, UNAVAILABLE);
  assertSent(await send());
});

test('ACCEPTANCE_UNKNOWN: a Redis that falls silent at the write; the answer says where to ask', async () => {
  const tap = await startRedisRelay(stack.redisServer.port);
  const gateway = await stack.startGateway({ REDIS_URL: tap.url });
  // The script that writes the record and the job.
  const held = tap.hold(/:lane:marker\r\n/);
  const answer = await send(`http://127.0.0.1:${String(gateway.ready['port'])}`);
  (await held).release();
  assert.deepEqual([answer.status, answer.code], [503, 'ACCEPTANCE_UNKNOWN'], answer.message);
  const { message_id: messageId, status_url: statusUrl } = answer.results;
  assert.match(String(messageId), /^3EB0[0-9A-F]{18}$/);
  assert.equal(statusUrl, `/messages/${String(messageId)}`);
  // It was only late: the message is sent.
  await untilState(stack.url, messageId, 'sent');
  await gateway.stop();
  await tap.stop();
  assertSent(await send());
});

test('SHUTTING_DOWN: a gateway that stops names the message it waited for, which goes on', async () => {
  const gateway = await stack.startGateway();
  stack.simulator.faults.add({ kind: 'delay_ack', delayMs: 1_500 });
  const waiting = send(`http://127.0.0.1:${String(gateway.ready['port'])}`);
  await waitUntil('it is in hand', async () => (await stack.leftovers('my-device')).active === 1);
  gateway.kill('SIGTERM');
  const answer = await waiting;
  // A gateway that can still wait for the outcome may do so.
  if (answer.status !== 200) assert.deepEqual([answer.status, answer.code], [503, 'SHUTTING_DOWN']);
  await untilState(stack.url, answer.results['message_id'], 'sent');
});

test('NO_WORKER: a command finds nobody within 10 s; messages wait for the next worker', async () => {
  await stack.worker.stop();
  const accepted = await send(stack.url, { Prefer: 'respond-async' });
  assert.deepEqual([accepted.status, accepted.code], [202, 'ACCEPTED']);
  const started = performance.now();
  const answer = await request(stack.url, 'POST', '/devices/my-device/reconnect');
  const elapsedMs = performance.now() - started;
  assert.deepEqual([answer.status, answer.code], [503, 'NO_WORKER']);
  assert.deepEqual(answer.results, { device_id: 'my-device' });
  assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
  assert.ok(elapsedMs > 9_000 && elapsedMs < 13_000, `after ${Math.round(elapsedMs)} ms`);
  const worker = await stack.startWorker();
  await untilState(stack.url, accepted.results['message_id'], 'sent');
  await assertNothingLeft(stack, 'my-device');
  await worker.stop();
});

test('QUEUE_UNAVAILABLE: without any Redis the gateway lives and says so', async () => {
  await stack.redisServer.stop();
  await waitUntil('the gateway is not ready', async () => (await fetch(`${stack.url}/readyz`)).status === 503);
  assert.equal((await fetch(`${stack.url}/healthz`)).status, 200);
  const answer = await send();
  assert.deepEqual([answer.status, answer.code], [503, 'QUEUE_UNAVAILABLE']);
  assert.equal(answer.results['message_id'], undefined);
});
