import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure } from '@postern/contract';
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
import { acceptMessage } from './accept-message.fixture.ts';
import { toLaneKeys } from './lane-queue.ts';
import { readLaneStatus } from './lane-status.ts';
import { purgeLane } from './purge-lane.ts';

let server: LocalRedis;
let redis: Redis;
const keys = createKeys('test');
const createdAt = Date.now() - 60_000;

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

const messagesOf = () => createMessages(redis, keys, { recordTtlMs: 60_000 });

const accept = (deviceId: string, youngerMs = 0) => acceptMessage(redis, keys, deviceId, createdAt + youngerMs);

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
  const devices = createDevices(redis, keys);
  await devices.beginRemoval('going', 'w#1');
  await devices.finishRemoval('going', 'w#1');
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
    cancelled.push(...chunk.cancelled);
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
