import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { openFilledLane, until } from './filled-lane.fixture.ts';
import type { LaneOptions } from './lane.ts';
import { toLaneKeys } from './lane-queue.ts';

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

const openLane = (deviceId: string, count: number, process: LaneOptions['process']) =>
  openFilledLane({ redis, keys }, deviceId, count, process);

test('a damaged payload, job or record is told and holds nothing up', async () => {
  const begun: string[] = [];
  const { lane, ids, errors } = await openLane('unreadable', 6, async (job) => {
    begun.push(job.message_id);
    return 'settled';
  });
  const { active, wait, jobPrefix } = toLaneKeys(keys, 'unreadable');
  const [noPayload, badPayload, badJob, badRecord, badTime, good] = ids;
  const recordOf = (id = '') => keys.device('unreadable').message(id);
  await redis.hdel(`${jobPrefix}${noPayload}`, 'data');
  await redis.hset(`${jobPrefix}${badPayload}`, 'data', '{"caption":"a secret');
  await redis.set(`${jobPrefix}${badJob}`, 'no hash');
  await redis.set(recordOf(badRecord), 'no hash');
  await redis.hset(recordOf(badTime), 'created_at', 'some day', 'starts', 'many');
  lane.resume();
  await until(async () => begun.length === 1 && (await redis.llen(active)) === 0);
  await lane.close(1000);
  assert.deepEqual(begun, [good]);
  assert.equal(errors.length, 5);
  assert.ok(!String(errors).includes('secret'));
  assert.equal(await redis.llen(wait), 0);
});

test('what only a newer worker knows is left for it, in its place, and holds nothing up', async () => {
  const begun: string[] = [];
  const { lane, ids, errors } = await openLane('newer', 6, async (job) => {
    begun.push(job.message_id);
    return 'settled';
  });
  const { wait, jobPrefix } = toLaneKeys(keys, 'newer');
  const [newKind, newState, ...known] = ids;
  await redis.hset(`${jobPrefix}${newKind}`, 'name', 'send-video');
  await redis.hset(keys.device('newer').message(newState ?? ''), 'state', 'scheduled');
  lane.resume();
  await until(() => begun.length === 4 && lane.inHand === 2);
  assert.deepEqual(begun, known);
  assert.equal(errors.length, 2);
  await lane.close(1000);
  assert.deepEqual((await redis.lrange(wait, 0, -1)).toReversed(), [newKind, newState]);
  assert.equal(await redis.exists(jobPrefix + newKind, jobPrefix + newState), 2);
});

test('a lane that is drained for good ends also what only a newer worker knows', async () => {
  const { lane, ids, errors } = await openLane('drained-newer', 2, async () => 'settled');
  const { wait, active, jobPrefix } = toLaneKeys(keys, 'drained-newer');
  await redis.hset(`${jobPrefix}${ids[0]}`, 'name', 'send-video');
  lane.resume();
  await until(() => lane.inHand === 1);
  await lane.drained();
  assert.deepEqual([await redis.llen(wait), await redis.llen(active), lane.inHand], [0, 0, 0]);
  assert.equal(errors.length, 2);
  await lane.close(0);
});
