import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { createLogger, createMetricsRegistry, createReadiness, type Readiness } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { connectRedis, disconnectRedis } from './connect.ts';
import { createKeys } from './keys.ts';
import { observeRedis } from './observe-redis.ts';
import { createRedisCheck, createWriteProbe, type WriteProbe } from './write-probe.ts';

let server: LocalRedis;
let redis: Redis;
let probe: WriteProbe;
let readiness: Readiness;

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'fast', onError: () => {} });
  probe = createWriteProbe(redis, createKeys('test'), 'worker-1');
  readiness = createReadiness([createRedisCheck(probe, 500)]);
});
after(async () => {
  disconnectRedis(redis);
  await server.stop();
});

/** What `postern_redis_up` says at its first look. */
async function isUp(): Promise<number> {
  const registry = createMetricsRegistry();
  const logger = createLogger({ name: 'test', level: 'silent' });
  const demands = { highWaterPercent: 100, allowNoAppendOnly: false };
  const observer = await observeRedis({ redis, probe, demands, registry, logger });
  await observer.stop();
  return Number(/^postern_redis_up (\d)$/m.exec(await registry.metrics())?.[1]);
}

test('a Redis that takes writes is ready and up', async () => {
  assert.deepEqual(await readiness(), []);
  assert.equal(await isUp(), 1);
  assert.ok((await redis.pttl('test:probe:worker-1')) > 0, 'what was written goes by itself');
});

test('a full Redis answers, but is neither ready nor up', async () => {
  await redis.config('SET', 'maxmemory', '1');
  assert.deepEqual(await readiness(), ['redis: refuses writes (OOM)']);
  assert.equal(await isUp(), 0);
  await redis.config('SET', 'maxmemory', '0');
  assert.deepEqual(await readiness(), []);
});

test('a Redis that is stopped does not answer', async () => {
  process.kill(server.pid, 'SIGSTOP');
  const problems = await readiness();
  process.kill(server.pid, 'SIGCONT');
  assert.deepEqual(problems, ['redis: does not answer']);
});
