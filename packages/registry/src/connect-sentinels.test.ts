import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LocalRedisSentinels, startLocalRedisSentinels } from '@postern/local-redis';
import { delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { connectRedis, disconnectRedis } from './connect.ts';

let sentinels: LocalRedisSentinels;
let clients: { fast: Redis; patient: Redis; reader: Redis };

before(async () => {
  sentinels = await startLocalRedisSentinels({ password: 'p@ss:word', sentinelPassword: 'other&word' });
  const connect = (profile: 'fast' | 'patient') =>
    connectRedis({ url: sentinels.url, name: 'test', profile, onError: () => {} });
  clients = { fast: await connect('fast'), patient: await connect('patient'), reader: await connect('patient') };
});
after(async () => {
  for (const client of Object.values(clients)) disconnectRedis(client);
  await sentinels.stop();
});

async function untilWritten(key: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  const write = () =>
    clients.fast.set(key, '1').then(
      () => true,
      () => false,
    );
  while (!(await write())) {
    assert.ok(performance.now() < deadline, 'not written within 20 s');
    await delay(50);
  }
}

test('the master that sentinels name is found, with a password of its own and one of theirs', async () => {
  assert.equal(await clients.fast.set('a', '1'), 'OK');
  assert.match(await clients.patient.info('replication'), /role:master/);
});

test('a killed master: fast commands go through to its successor, patient ones and blocking reads wait for it', async () => {
  const killed = await sentinels.master();
  const read = clients.reader.xread('BLOCK', 4_000, 'STREAMS', 'letters', '$');
  process.kill(sentinels.servers[killed]?.pid ?? 0, 'SIGKILL');
  const waiting = clients.patient.set('patient', 'waited');
  await untilWritten('after');
  assert.equal(await waiting, 'OK');
  assert.notEqual(await sentinels.master(), killed);
  const again = read.then((found) => found ?? clients.reader.xread('BLOCK', 4_000, 'STREAMS', 'letters', '0'));
  await clients.patient.xadd('letters', '*', 'mail', 'x');
  assert.equal((await again)?.[0]?.[1].length, 1);
  await sentinels.restart(killed);
});
