import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLocalRedis, startLocalRedisCluster } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { connectRedis, disconnectRedis } from './connect.ts';
import { createRedisRuns } from './redis-runs.ts';

const connect = (url: string) => connectRedis({ url, name: 'test', profile: 'patient', onError: () => {} });
const untilBack = (redis: Redis) => new Promise((resolve) => redis.once('ready', resolve));

test('every restart of every node of a cluster is seen, each once', async () => {
  const cluster = await startLocalRedisCluster();
  const redis = await connect(cluster.url);
  const runs = await createRedisRuns(redis);
  const keys: string[] = [];
  for (let n = 0; keys.filter((key) => key).length < 3; n += 1) keys[await cluster.nodeOf(`key-${n}`)] = `key-${n}`;
  for (const index of [0, 1, 2, 0, 1, 2]) {
    process.kill(cluster.nodes[index]?.pid ?? 0, 'SIGKILL');
    await cluster.restart(index);
    await redis.get(keys[index] ?? '');
    assert.equal(await runs.haveChanged(), true, `node ${index}`);
    for (let n = 0; n < 5; n += 1) assert.equal(await runs.haveChanged(), false);
  }
  disconnectRedis(redis);
  await cluster.stop();
});

test('a connection that broke is no restart of its server', async () => {
  const server = await startLocalRedis();
  const redis = await connect(server.url);
  const runs = await createRedisRuns(redis);
  const back = untilBack(redis);
  redis.disconnect(true);
  await back;
  assert.equal(await runs.haveChanged(), false);
  disconnectRedis(redis);
  await server.stop();
});
