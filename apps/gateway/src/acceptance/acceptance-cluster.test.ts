import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure, newMessageId, type SendImageJob } from '@postern/contract';
import { type LocalRedisCluster, startLocalRedisCluster } from '@postern/local-redis';
import { createProducer, hasJob } from '@postern/queue';
import { connectRedis, createDevices, createKeys, createMessages, disconnectRedis } from '@postern/registry';
import type { Redis } from 'ioredis';
import { createAcceptance } from './acceptance.ts';

const DEVICE = 'shop';
const keys = createKeys('test');
let cluster: LocalRedisCluster;
let redis: Redis;

before(async () => {
  cluster = await startLocalRedisCluster();
  redis = await connectRedis({ url: cluster.url, name: 'test', profile: 'fast', onError: () => {} });
});
after(async () => {
  disconnectRedis(redis);
  await cluster.stop();
});

function newJob(): SendImageJob {
  const now = Date.now();
  return {
    message_id: newMessageId(),
    device_id: DEVICE,
    recipient: { kind: 'person', jid: '628123456789@s.whatsapp.net' },
    image: { source: 'url', url: 'http://example.com/a.jpg' },
    caption: '',
    view_once: false,
    compress: false,
    hd: false,
    is_forwarded: false,
    mentions: [],
    accepted_at: now,
    expires_at: now + 60_000,
    request_id: 'r',
    reply_to: 'gateway-1',
  };
}

/** One node of the cluster, asked by itself. */
async function askNode<T>(node: number, ask: (client: Redis) => Promise<T>): Promise<T> {
  const url = cluster.nodes[node]?.url ?? '';
  const client = await connectRedis({ url, name: 'test', profile: 'fast', onError: () => {} });
  try {
    return await ask(client);
  } finally {
    disconnectRedis(client);
  }
}

test('while the slot of a device moves to another node, nothing is accepted, and that is said', async () => {
  const acceptance = createAcceptance({
    onAccepted: () => {},
    producer: createProducer(redis, keys, { recordTtlMs: 60_000 }),
    laneLimit: 100,
  });
  await createDevices(redis, keys).create(DEVICE);
  await acceptance.accept(newJob());
  const key = keys.device(DEVICE).record;
  const from = await cluster.nodeOf(key);
  const to = (from + 1) % 3;
  const slot = await askNode(from, (node) => node.cluster('KEYSLOT', key));
  const idOf = (index: number) => askNode(index, (node) => node.cluster('MYID'));
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  await askNode(to, (node) => node.cluster('SETSLOT', slot, 'IMPORTING', fromId));
  await askNode(from, (node) => node.cluster('SETSLOT', slot, 'MIGRATING', toId));
  const job = newJob();
  const refused = await acceptance.accept(job).catch((error: unknown) => error);
  assert.ok(refused instanceof Failure);
  assert.equal(refused.code, 'QUEUE_UNAVAILABLE');
  for (const index of [from, to]) await askNode(index, (node) => node.cluster('SETSLOT', slot, 'STABLE'));
  assert.equal(await hasJob(redis, keys, DEVICE, job.message_id), false);
  assert.equal(await createMessages(redis, keys, { recordTtlMs: 60_000 }).read(DEVICE, job.message_id), undefined);
  await acceptance.accept(job);
  assert.equal(await hasJob(redis, keys, DEVICE, job.message_id), true);
});
