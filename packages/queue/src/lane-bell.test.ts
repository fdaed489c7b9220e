import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLocalRedis, startRedisRelay } from '@postern/local-redis';
import { connectRedis, disconnectRedis } from '@postern/registry';
import { LaneBell } from './lane-bell.ts';

test('a half-open connection is given up within 9 s, and the next wait hears of what was added', async () => {
  const server = await startLocalRedis();
  const relay = await startRedisRelay(server.port);
  const redis = await connectRedis({ url: relay.url, name: 'test', profile: 'patient', onError: () => {} });
  const errors: unknown[] = [];
  const bell = new LaneBell(redis, 'marker', (error) => errors.push(error));
  const { signal } = new AbortController();
  await redis.zadd('marker', 0, '0');
  await bell.rung(signal);
  const startedMs = performance.now();
  const waiting = bell.rung(signal);
  assert.equal(relay.cutSilently(), 2);
  await assert.rejects(waiting, /not answered in time/);
  assert.ok(performance.now() - startedMs < 9_000);
  const again = bell.rung(signal);
  await redis.zadd('marker', 0, '0');
  await again;
  bell.close();
  disconnectRedis(redis);
  await relay.stop();
  await server.stop();
});
