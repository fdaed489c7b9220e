import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LocalRedisCluster, type RedisRelay, startLocalRedisCluster, startRedisRelay } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { connectRedis, disconnectRedis } from './connect.ts';

let cluster: LocalRedisCluster;
/** A key on each node. */
const keys: string[] = [];

before(async () => {
  cluster = await startLocalRedisCluster({ password: 'p@ss:word' });
  for (let n = 0; keys.filter((key) => key).length < 3; n += 1) keys[await cluster.nodeOf(`key-${n}`)] = `key-${n}`;
});
after(() => cluster.stop());

const connect = (profile: 'fast' | 'patient', url = cluster.url) =>
  connectRedis({ url, name: 'test', profile, onError: () => {} });

async function withClients(work: (clients: { fast: Redis; patient: Redis }) => Promise<void>): Promise<void> {
  const clients = { fast: await connect('fast'), patient: await connect('patient') };
  try {
    await work(clients);
  } finally {
    for (const client of Object.values(clients)) disconnectRedis(client);
  }
}

async function elapsedMs(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}

function untilReady(redis: Redis): Promise<void> {
  return new Promise((resolve) => redis.once('ready', () => resolve()));
}

function signal(index: number, name: NodeJS.Signals): void {
  process.kill(cluster.nodes[index]?.pid ?? 0, name);
}

test('one known node is enough to work with all of them, from the first command on', async () => {
  const [first = ''] = cluster.url.split(',');
  const redis = await connect('fast', first);
  await Promise.all(keys.map((key) => redis.set(key, key)));
  assert.deepEqual(await Promise.all(keys.map((key) => redis.get(key))), keys);
  disconnectRedis(redis);
});

test('a killed node: fast commands fail within a second, patient ones wait, and `ready` says that it is back', async () => {
  await withClients(async ({ fast, patient }) => {
    const [key = ''] = keys;
    await patient.set(key, 'kept');
    await patient.config('SET', 'appendfsync', 'always');
    signal(0, 'SIGKILL');
    for (let n = 0; n < 5; n += 1) {
      const refused = assert.rejects(fast.get(key), /Connection is closed|CLUSTERDOWN|isn't ready|redirections/);
      assert.ok((await elapsedMs(refused)) < 1_000);
    }
    const back = untilReady(patient);
    const waiting = patient.get(key);
    await cluster.restart(0);
    assert.equal(await waiting, 'kept');
    await back;
    assert.equal(patient.status, 'ready');
    assert.equal(await fast.get(key), 'kept');
  });
});

test('a stopped node: fast commands fail within a second, patient ones wait', async () => {
  await withClients(async ({ fast, patient }) => {
    const key = keys[1] ?? '';
    await patient.set(key, 'kept');
    signal(1, 'SIGSTOP');
    const waiting = patient.get(key);
    try {
      for (let n = 0; n < 3; n += 1) assert.ok((await elapsedMs(assert.rejects(fast.get(key)))) < 1_000);
    } finally {
      signal(1, 'SIGCONT');
    }
    await cluster.untilWhole();
    assert.equal(await waiting, 'kept');
    assert.equal(await fast.get(key), 'kept');
  });
});

test('half-open connections to a node: fast commands go through again within 10 s, and patient ones go on', async () => {
  const relays: RedisRelay[] = [];
  const announcedPort = async (port: number) => {
    const relay = await startRedisRelay(port);
    relays.push(relay);
    return relay.port;
  };
  const relayed = await startLocalRedisCluster({ announcedPort });
  const clients = { fast: await connect('fast', relayed.url), patient: await connect('patient', relayed.url) };
  const node = await relayed.nodeOf('a');
  await clients.patient.set('a', 'kept');
  assert.ok((relays[node]?.cutSilently() ?? 0) >= 2);
  const startedAt = performance.now();
  const waiting = clients.patient.get('a');
  await assert.rejects(clients.fast.get('a'));
  const answers = () => clients.fast.get('a').catch(() => undefined);
  while ((await answers()) !== 'kept') assert.ok(performance.now() - startedAt < 10_000);
  assert.equal(await waiting, 'kept');
  for (const client of Object.values(clients)) disconnectRedis(client);
  await relayed.stop();
  await Promise.all(relays.map((relay) => relay.stop()));
});

test('all nodes killed: fast commands fail within a second, patient ones wait until all are back', async () => {
  await withClients(async ({ fast, patient }) => {
    await Promise.all(keys.map((key) => patient.set(key, 'kept')));
    for (const index of cluster.nodes.keys()) signal(index, 'SIGKILL');
    const back = untilReady(patient);
    const waiting = Promise.all(keys.map((key) => patient.get(key)));
    for (const key of keys) assert.ok((await elapsedMs(assert.rejects(fast.get(key)))) < 1_000);
    await cluster.restart(0, 1, 2);
    assert.deepEqual(await waiting, ['kept', 'kept', 'kept']);
    await back;
    await Promise.all(keys.map((key) => fast.get(key)));
  });
});
