import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys, createLeases } from '@postern/registry';
import { acceptMessage } from './accept-message.fixture.ts';
import { takeJobs } from './take-jobs.ts';

test('a job is taken at the time of Redis, whatever the worker’s clock says', async (t) => {
  const server = await startLocalRedis();
  t.after(() => server.stop());
  const redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  t.after(() => redis.disconnect());
  const keys = createKeys('test');
  const lease = await createLeases(redis, keys, { workerId: 'w', ttlMs: 60_000 }).acquire('d');
  assert.ok(lease);
  const startedAt = Date.now();
  await acceptMessage(redis, keys, 'd', startedAt);
  t.mock.timers.enable({ apis: ['Date'], now: startedAt + 7_200_000 });
  const [taken] = (await takeJobs(redis, keys, lease, { most: 1, inHand: [] })) ?? [];
  assert.ok(Math.abs((taken?.takenAt ?? 0) - startedAt) < 600_000);
});
