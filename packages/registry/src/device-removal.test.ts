import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure, newMessageId } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { connectRedis } from './connect.ts';
import { createDevices } from './devices.ts';
import { LeaseLostError } from './fenced.ts';
import { createKeys } from './keys.ts';
import { createLanePauses } from './lane-pauses.ts';
import { createLeases, type Lease } from './leases.ts';
import { createMessageLists } from './message-lists.ts';
import { createMessages } from './messages.ts';

let server: LocalRedis;
let redis: Redis;
const keys = createKeys('test');

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

const leasesOf = (workerId: string) => createLeases(redis, keys, { workerId, ttlMs: 60_000 });

async function acquire(workerId: string, deviceId: string): Promise<Lease> {
  await redis.del(keys.device(deviceId).lease);
  const lease = await leasesOf(workerId).acquire(deviceId);
  assert.ok(lease);
  return lease;
}

/** A device with something under each of its keys; answers the id of its one message. */
async function createUsed(deviceId: string, token: string): Promise<string> {
  const devices = createDevices(redis, keys);
  await devices.create(deviceId);
  await devices.writeAccount(deviceId, token, { jid: `62811${deviceId.length}:7@s.whatsapp.net` });
  const messageId = newMessageId();
  const [created_at, phone] = [Date.now(), '628123456789@s.whatsapp.net'];
  await createMessages(redis, keys, { recordTtlMs: 60_000 }).create({
    message_id: messageId,
    device_id: deviceId,
    phone,
    state: 'failed',
    attempts: 0,
    created_at,
    expires_at: created_at,
  });
  const own = keys.device(deviceId);
  for (const value of Object.values(own) as unknown[]) {
    const key: unknown = typeof value === 'function' ? (value as (id: string) => unknown)('some') : value;
    if (typeof key === 'string' && key !== own.lanePrefix && (await redis.exists(key)) === 0) {
      await redis.set(key, 'something');
    }
  }
  await redis.set(`${own.lanePrefix}:lane:wait`, 'something');
  return messageId;
}

test('nothing is left of a removed device but its messages’ records, until their time is over, and its epoch', async () => {
  const devices = createDevices(redis, keys);
  const lease = await acquire('w', 'used');
  const messageId = await createUsed('used', lease.token);
  await devices.beginRemoval('used', lease.token);
  await devices.finishRemoval('used', lease.token);
  await leasesOf('w').release(lease, { isRemoved: true });
  const own = keys.device('used');
  const left = await redis.keys('test:*{used}:*');
  assert.deepEqual(left.toSorted(), [own.lastHolder, own.message(messageId), own.message('some')].toSorted());
  assert.ok((await redis.pttl(own.lastHolder)) > 0 && (await redis.pttl(own.message(messageId))) > 0);
  assert.deepEqual([await redis.exists(keys.jids), await redis.exists(keys.removals)], [0, 0]);
  assert.deepEqual(await devices.ownableIds(), []);

  // Whoever registers the id next finds nothing of the former device.
  await devices.create('used');
  assert.deepEqual((await createMessageLists(redis, keys).page(['used'], { limit: 10 })).messages, []);
  const next = await acquire('w', 'used');
  assert.equal(next.epoch, lease.epoch + 1);
  assert.equal(await redis.pttl(own.lastHolder), -1);
});

test('from its first step on a removal cannot be missed, and its id is not free before the last one', async () => {
  const devices = createDevices(redis, keys);
  const lease = await acquire('w1', 'cut');
  await createUsed('cut', lease.token);
  await devices.beginRemoval('cut', lease.token);
  assert.equal(await devices.get('cut'), undefined);
  assert.equal(await devices.resolve('628113@s.whatsapp.net'), undefined);
  assert.ok(!(await devices.ids()).includes('cut'));
  const isTaken = (error: unknown) => error instanceof Failure && error.code === 'DEVICE_ALREADY_EXISTS';
  await assert.rejects(devices.create('cut'), isTaken);

  // Its worker died here: the next owner goes on, and the former one is kept out.
  assert.ok((await devices.ownableIds()).includes('cut'));
  const next = await acquire('w2', 'cut');
  const found = await devices.findOwnable('cut');
  assert.deepEqual([found?.isRemoved, found?.device.jid], [true, '628113:7@s.whatsapp.net']);
  await assert.rejects(devices.finishRemoval('cut', lease.token), LeaseLostError);
  await assert.rejects(devices.create('cut'), isTaken);
  await devices.finishRemoval('cut', next.token);
  assert.equal((await devices.create('cut')).connection.state, 'unpaired');
});

test('a removal that was announced and never begun, or finished and never struck off, is forgotten', async () => {
  const devices = createDevices(redis, keys);
  await devices.create('alive');
  await redis.sadd(keys.removals, 'alive', 'finished');
  assert.equal((await devices.findOwnable('alive'))?.isRemoved, false);
  assert.equal(await devices.findOwnable('finished'), undefined);
  assert.deepEqual(await redis.smembers(keys.removals), []);
});

test('who changes a device that is removed meanwhile leaves nothing behind', async () => {
  const devices = createDevices(redis, keys);
  await devices.create('late');
  await devices.beginRemoval('late', 'w#1');
  assert.equal(await createLanePauses(redis, keys).pause('late'), undefined);
  await devices.finishRemoval('late', 'w#1');
  await devices.writePace('late', { max: 1, window_ms: 1000 });
  assert.deepEqual(await redis.keys('test:{late}:*'), []);
});
