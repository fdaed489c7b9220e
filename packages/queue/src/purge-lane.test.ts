import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys, createMessages } from '@postern/registry';
import { acceptMessage } from './accept-message.fixture.ts';
import { removeJob } from './lane-queue.ts';
import { readDepths } from './producer.ts';
import { purgeLane } from './purge-lane.ts';

test('a lane is purged in chunks that tell how many are left, and a job is removed, also in a full Redis', async (t) => {
  const server = await startLocalRedis();
  t.after(() => server.stop());
  const redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  t.after(() => redis.disconnect());
  const keys = createKeys('test');
  const ids: string[] = [];
  for (let n = 0; n < 451; n += 1) ids.push(await acceptMessage(redis, keys, 'd', Date.now()));
  const [alone = '', ...others] = ids;
  await redis.config('SET', 'maxmemory', '1');
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  assert.equal(await messages.markCancelled('d', alone), 'changed');
  await removeJob(redis, keys, 'd', alone);
  assert.deepEqual(await readDepths(redis, keys, ['d']), [450]);
  const cancelled: string[] = [];
  const remaining: number[] = [];
  for await (const chunk of purgeLane(redis, keys, 'd', { recordTtlMs: 60_000 })) {
    cancelled.push(...chunk.cancelled);
    remaining.push(chunk.remaining);
  }
  assert.deepEqual([cancelled, remaining], [others, [250, 50, 0]]);
  assert.deepEqual(await readDepths(redis, keys, ['d']), [0]);
});
