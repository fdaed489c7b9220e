import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure, newMessageId, type SendImageJob } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import {
  connectRedis,
  createDevices,
  createKeys,
  createLanePauses,
  createLeases,
  createMessages,
} from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';
import { readLaneStatus } from './lane-status.ts';
import { createProducer, type Producer } from './producer.ts';
import { purgeLane } from './purge-lane.ts';

let server: LocalRedis;
let redis: Redis;
let producer: Producer;
const keys = createKeys('test');
const PHONE = '628123456789@s.whatsapp.net';
const createdAt = Date.now() - 60_000;

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  producer = createProducer({ redis, keys });
});
after(async () => {
  await producer.stop();
  redis.disconnect();
  await server.stop();
});

const messagesOf = () => createMessages(redis, keys, { recordTtlMs: 60_000 });

async function accept(deviceId: string, youngerMs = 0): Promise<string> {
  const [message_id, created_at] = [newMessageId(), createdAt + youngerMs];
  const expires_at = created_at + 3_600_000;
  const record = { message_id, device_id: deviceId, phone: PHONE, state: 'queued' as const, attempts: 0 };
  await messagesOf().create({ ...record, created_at, expires_at });
  const job: SendImageJob = {
    message_id,
    device_id: deviceId,
    recipient: { kind: 'person', jid: PHONE },
    image: { source: 'url', url: 'http://example.com/a.jpg' },
    caption: '',
    view_once: false,
    compress: false,
    hd: false,
    is_forwarded: false,
    mentions: [],
    accepted_at: created_at,
    expires_at,
    request_id: 'r',
    reply_to: 'g',
  };
  await producer.enqueue(job);
  return message_id;
}

test('a lane tells its owner, depth, oldest message, rate, last failure and pause', async () => {
  assert.equal(await readLaneStatus(redis, keys, 'nobody'), undefined);
  const device = await createDevices(redis, keys).create('shop');
  const quiet = await readLaneStatus(redis, keys, 'shop');
  const nothing = { owner: undefined, pausedSince: undefined, oldestAt: undefined, lastFailure: undefined };
  assert.deepEqual(quiet, { device, ...nothing, newest: undefined, waiting: 0, active: 0, settledPerMinute: 0 });

  const messages = messagesOf();
  const [sent, failed, waits] = [await accept('shop'), await accept('shop', 1), await accept('shop', 2)];
  await createLeases(redis, keys, { workerId: 'w#1', ttlMs: 60_000 }).acquire('shop');
  const pausedSince = await createLanePauses(redis, keys).pause('shop');
  const began = Date.now();
  await messages.markSent('shop', sent, began);
  await messages.markFailed('shop', failed, new Failure('ACK_TIMEOUT', 'never acknowledged'));
  await messages.markReceipt('shop', sent, { status: 'read', at: began });
  const busy = await readLaneStatus(redis, keys, 'shop');
  const { lastFailure, settledPerMinute, ...rest } = busy ?? {};
  assert.deepEqual(rest, {
    device,
    owner: 'w#1',
    pausedSince,
    waiting: 3,
    active: 0,
    oldestAt: createdAt,
    newest: { messageId: waits, at: createdAt + 2 },
  });
  // Two, unless a minute has just begun.
  assert.ok(settledPerMinute !== undefined && settledPerMinute >= 1 && settledPerMinute <= 2);
  assert.ok(lastFailure && lastFailure.at >= began);
  assert.deepEqual(
    [lastFailure.messageId, lastFailure.code, lastFailure.message],
    [failed, 'ACK_TIMEOUT', 'never acknowledged'],
  );

  // It was delivered after all.
  await messages.markSent('shop', failed, Date.now());
  assert.equal((await readLaneStatus(redis, keys, 'shop'))?.lastFailure, undefined);
});

test('only a device that is there can be paused, and removing it leaves no flag', async () => {
  const pauses = createLanePauses(redis, keys);
  assert.equal(await pauses.pause('gone'), undefined);
  await createDevices(redis, keys).create('going');
  const since = await pauses.pause('going');
  assert.equal(await pauses.pause('going'), since, 'pausing again changes nothing');
  assert.equal(await pauses.isPaused('going'), true);
  await createDevices(redis, keys).remove('going');
  assert.equal(await pauses.isPaused('going'), false);
});

test('a purge cancels what waits, oldest first, and leaves what was sent already and what comes in meanwhile', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 450; n += 1) ids.push(await accept('full', n));
  // A dead owner had relayed this one; it was put back and waits for its ack.
  const [relayed = ''] = ids;
  const messages = messagesOf();
  const lease = await createLeases(redis, keys, { workerId: 'w', ttlMs: 60_000 }).acquire('full');
  await messages.beginAttempt('full', relayed, lease?.token ?? '');
  const cancelled: string[] = [];
  let late = '';
  for await (const chunk of purgeLane(redis, keys, 'full', { recordTtlMs: 60_000 })) {
    if (late === '') late = await accept('full', 1000);
    cancelled.push(...chunk);
  }
  assert.deepEqual(cancelled, ids.slice(1));
  assert.deepEqual(await redis.lrange(toLaneKeys(keys, 'full').wait, 0, -1), [late, relayed]);
  const jobs = await redis.keys(`${toLaneKeys(keys, 'full').jobPrefix}3EB0*`);
  assert.equal(jobs.length, 2);
  const [last = ''] = cancelled.slice(-1);
  assert.equal((await messages.read('full', last))?.state, 'cancelled');
  assert.ok((await redis.pttl(keys.device('full').message(last))) <= 60_000);
  assert.equal((await messages.read('full', relayed))?.state, 'sending');
  assert.equal((await messages.read('full', late))?.state, 'queued');
});
