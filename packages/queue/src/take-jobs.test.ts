import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys, createLeases, type Lease } from '@postern/registry';
import { acceptMessage } from './accept-message.fixture.ts';
import { putBackJobs } from './put-back.ts';
import { takeJobs } from './take-jobs.ts';

test('a start counts for the next owner unless the former one handed the message back', async (t) => {
  const server = await startLocalRedis();
  const redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  t.after(async () => {
    redis.disconnect();
    await server.stop();
  });
  const keys = createKeys('test');
  await acceptMessage(redis, keys, 'd', Date.now());
  const acquire = async (workerId: string) => {
    const lease = await createLeases(redis, keys, { workerId, ttlMs: 60_000 }).acquire('d');
    assert.ok(lease);
    return lease;
  };
  const starts = async (lease: Lease) =>
    (await takeJobs(redis, keys, lease, { most: 2, inHand: [] }))?.map(({ record }) => record?.starts);

  const lease = await acquire('w1');
  assert.deepEqual(await starts(lease), [1]);
  assert.deepEqual(await starts(lease), [1], 'a repeated fetch is the same start');
  await putBackJobs(redis, keys, lease, { mode: 'all' });
  assert.deepEqual(await starts(lease), [1], 'it was handed back');
  await redis.del(keys.device('d').lease);
  const next = await acquire('w2');
  await putBackJobs(redis, keys, next, { mode: 'all' });
  assert.deepEqual(await starts(next), [2], 'its owner vanished');
});
