import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { startLocalRedis } from '@postern/local-redis';
import { createLogger, createMetricsRegistry } from '@postern/runtime';
import { connectRedis } from './connect.ts';
import { createKeys } from './keys.ts';
import { observeRedis } from './observe-redis.ts';
import { readRedisFacts } from './redis-facts.ts';
import { findRedisProblems } from './redis-problems.ts';
import { createWriteProbe } from './write-probe.ts';

const demands = { highWaterPercent: 90, allowNoAppendOnly: false };
const facts = { usedBytes: 89, limitBytes: 100, evictionPolicy: 'noeviction', isAppendOnly: true };
const NONE = { evicting: undefined, not_append_only: undefined, high_water: undefined };
const found = (more: object, moreDemands: object = {}) =>
  Object.entries(findRedisProblems({ ...facts, ...more }, { ...demands, ...moreDemands }))
    .filter(([, reason]) => reason !== undefined)
    .map(([problem]) => problem);

test('what a Redis says of itself is judged by the demands; what it does not say is no problem', () => {
  assert.deepEqual(found({}), []);
  assert.deepEqual(found({ evictionPolicy: 'volatile-lru' }), ['evicting']);
  assert.deepEqual(found({ isAppendOnly: false }), ['not_append_only']);
  assert.deepEqual(found({ isAppendOnly: false }, { allowNoAppendOnly: true }), []);
  assert.deepEqual(found({ usedBytes: 90 }), ['high_water']);
  assert.deepEqual(found({ usedBytes: 200 }, { highWaterPercent: 100 }), []);
  const silent = { usedBytes: undefined, evictionPolicy: undefined, isAppendOnly: undefined };
  assert.deepEqual(found(silent), []);
  assert.deepEqual(findRedisProblems(facts, demands), NONE);
});

test('a Redis that refuses writes is warned of once, with its reason, and so is its end', async (t) => {
  const server = await startLocalRedis();
  t.after(() => server.stop());
  const redis = await connectRedis({ url: server.url, name: 'test', profile: 'fast', onError: () => {} });
  t.after(() => redis.disconnect());
  const log = new PassThrough();
  const logger = createLogger({ name: 'test', level: 'info', destination: log });
  await redis.config('SET', 'maxmemory', '1');
  const probe = createWriteProbe(redis, createKeys('test'), 'worker-1');
  const registry = createMetricsRegistry();
  const observer = await observeRedis({
    redis,
    probe,
    demands: { ...demands, highWaterPercent: 100 },
    registry,
    logger,
  });
  assert.match(String(log.read()), /"level":"warn".*OOM.*"redis takes no writes"/);
  await redis.config('SET', 'maxmemory', '0');
  assert.match(String(await once(log, 'data')), /"level":"info".*"redis takes writes again"/);
  await observer.stop();
});

test('a real Redis tells its settings, and one that forbids INFO is unknown and refuses nothing', async (t) => {
  const server = await startLocalRedis();
  t.after(() => server.stop());
  const redis = await connectRedis({ url: server.url, name: 'test', profile: 'fast', onError: () => {} });
  t.after(() => redis.disconnect());
  await redis.config('SET', 'maxmemory', '1');
  const read = await readRedisFacts(redis);
  assert.deepEqual([read.evictionPolicy, read.isAppendOnly, read.limitBytes], ['noeviction', true, 1]);
  await redis.call('ACL', 'SETUSER', 'default', '-info');
  const registry = createMetricsRegistry();
  const logger = createLogger({ name: 'test', level: 'silent' });
  const observer = await observeRedis({ redis, probe: async () => {}, demands, registry, logger });
  assert.deepEqual([observer.findRefusal(), observer.settingsCheck.findProblem()], [undefined, undefined]);
  assert.match(await registry.metrics(), /postern_redis_problem\{problem="evicting"\} nan/i);
  await observer.stop();
});
