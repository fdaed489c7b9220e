import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LocalRedisCluster, startLocalRedisCluster } from '@postern/local-redis';
import { connectRedis, createKeys, disconnectRedis } from '@postern/registry';
import type { Phone } from '@postern/simulator';
import type { Redis } from 'ioredis';
import { request, untilConnection } from '../support/api.ts';
import { createPicture, sha256 } from '../support/distinct-picture.ts';
import { assertNothingLeft, assertSent, untilState } from '../support/message-status.ts';
import { sendImage } from '../support/send-image.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { recordStanzas, type Stanzas } from '../support/stanzas.ts';
import { waitUntil } from '../support/wait-until.ts';

const PASSWORD = 'p@ss:word';
const LEASE_TTL_MS = 2_000;
const keys = createKeys('postern');
/** One device on each node. */
const devices: string[] = [];
let cluster: LocalRedisCluster;
let stack: Stack;
let stanzas: Stanzas;
let friend: Phone;
let seeds = 0;

before(async () => {
  cluster = await startLocalRedisCluster({ password: PASSWORD });
  for (let n = 0; devices.filter((id) => id).length < 3; n += 1) {
    devices[await cluster.nodeOf(keys.device(`shop-${n}`).record)] = `shop-${n}`;
  }
  // A receipt would prove what the ack does not yet say.
  stack = await startStack({
    simulator: { autoReceipts: 'none' },
    redisUrl: cluster.url,
    workerEnv: { LEASE_TTL_MS: String(LEASE_TTL_MS) },
  });
  for (const [index, id] of devices.entries()) await stack.pair(id, `628000000000${index}`);
  friend = stack.simulator.addPhone({ number: '6281234567890' });
  stanzas = recordStanzas(stack.simulator);
});
after(async () => {
  await stack.stop();
  await cluster.stop();
});

async function send(deviceId: string, headers: Record<string, string> = {}) {
  seeds += 1;
  const image = await createPicture(seeds);
  return { answer: await sendImage(stack.url, deviceId, { phone: friend.number, image }, headers), image };
}

async function assertArrives(deviceId: string): Promise<void> {
  const { answer, image } = await send(deviceId);
  const id = assertSent(answer);
  const received = await friend.waitFor((message) => message.id === id);
  assert.equal(received.sha256, sha256(image));
}

/** One process of the cluster, asked by itself. */
async function askNode<T>(node: number, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const url = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${cluster.nodes[node]?.port}`;
  const redis = await connectRedis({ url, name: 'test', profile: 'patient', onError: () => {} });
  try {
    return await ask(redis);
  } finally {
    disconnectRedis(redis);
  }
}

async function assertRefused(deviceId: string): Promise<void> {
  const startedAt = performance.now();
  const { answer } = await send(deviceId);
  const elapsedMs = performance.now() - startedAt;
  assert.deepEqual([answer.status, answer.code], [503, 'QUEUE_UNAVAILABLE'], answer.message);
  assert.ok(elapsedMs < 1_000, `answered after ${Math.round(elapsedMs)} ms`);
}

test('images travel over a cluster from devices on each of its nodes, and leave nothing behind', async () => {
  for (const deviceId of devices) await assertArrives(deviceId);
  for (const deviceId of devices) await assertNothingLeft(stack, deviceId);
  for (const deviceId of devices) {
    assert.equal((await request(stack.url, 'GET', `/devices/${deviceId}`)).status, 200);
  }
});

test('a killed node: refused within a second, and when it is back everything goes on, what was in hand included', async () => {
  // What it answers is on its disk then.
  await askNode(0, (redis) => redis.config('SET', 'appendfsync', 'always'));
  const [deviceId = ''] = devices;
  stack.simulator.faults.add({ kind: 'delay_ack', to: friend.number, delayMs: 1_000 });
  const inHand = (await send(deviceId, { Prefer: 'respond-async, wait=0' })).answer;
  const id = String(inHand.results['message_id']);
  await waitUntil('it is with WhatsApp', () => stanzas.of(id).length === 1);
  const { logins } = stack.simulator.stats();
  process.kill(cluster.nodes[0]?.pid ?? 0, 'SIGKILL');
  await assertRefused(deviceId);
  // Longer than a lease. Without some of its slots a cluster serves none.
  await waitUntil('the other nodes know', () =>
    askNode(1, async (redis) => (await redis.cluster('INFO')).includes('cluster_state:fail')),
  );
  for (const each of devices) await assertRefused(each);
  assert.equal((await request(stack.url, 'GET', '/healthz')).status, 200);
  await cluster.restart(0);
  await untilState(stack.url, id, 'sent');
  assert.equal(stanzas.of(id).length, 1);
  for (const each of devices) {
    await untilConnection(stack.url, each, 'connected');
    await assertArrives(each);
  }
  // The sockets outlive a node that comes back.
  assert.equal(stack.simulator.stats().logins, logins);
  for (const each of devices) await assertNothingLeft(stack, each);
});

test('a dead node that the others still wait for: the devices on those keep their owner', async () => {
  for (const node of [1, 2]) await askNode(node, (redis) => redis.config('SET', 'cluster-node-timeout', '60000'));
  const { logins } = stack.simulator.stats();
  process.kill(cluster.nodes[0]?.pid ?? 0, 'SIGKILL');
  const killedAt = performance.now();
  await waitUntil('their leases would have run out', async () => {
    for (const deviceId of devices.slice(1)) assert.ok(await stack.redis.get(keys.device(deviceId).lease), deviceId);
    return performance.now() - killedAt > 3 * LEASE_TTL_MS;
  });
  await cluster.restart(0);
  for (const each of devices) {
    await untilConnection(stack.url, each, 'connected');
    await assertArrives(each);
  }
  assert.equal(stack.simulator.stats().logins, logins);
});
