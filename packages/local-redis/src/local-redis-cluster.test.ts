import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askRedis } from './ask-redis.ts';
import { startLocalRedisCluster } from './local-redis-cluster.ts';

const PASSWORD = 'p@ss:word';

test('a local cluster has three masters that know each other, and is whole again after one was killed', async () => {
  const cluster = await startLocalRedisCluster({ password: PASSWORD });
  try {
    const ask = (index: number, ...command: string[]) => askRedis(cluster.nodes[index]?.port ?? 0, command, PASSWORD);
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const owner = await cluster.nodeOf(key);
      assert.equal(await ask(owner, 'SET', key, 'here'), 'OK');
      await assert.rejects(ask((owner + 1) % 3, 'GET', key), /^Error: MOVED/);
    }
    await assert.rejects(askRedis(cluster.nodes[0]?.port ?? 0, ['GET', 'a']), /NOAUTH/);
    const killed = await cluster.nodeOf('a');
    await ask(killed, 'CONFIG', 'SET', 'appendfsync', 'always');
    process.kill(cluster.nodes[killed]?.pid ?? 0, 'SIGKILL');
    await cluster.restart(killed);
    assert.equal(await ask(killed, 'GET', 'a'), 'here');
  } finally {
    await cluster.stop();
  }
  await assert.rejects(askRedis(cluster.nodes[0]?.port ?? 0, ['PING']), /ECONNREFUSED/);
});
