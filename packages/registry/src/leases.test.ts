import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { connectRedis } from './connect.ts';
import { LeaseLostError, writeFenced } from './fenced.ts';
import { createKeys } from './keys.ts';
import { createLeases, readLastHolder, toVacancy } from './leases.ts';

let server: LocalRedis;
let redis: Redis;
const keys = createKeys('test');

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

/** A process that takes the device `slept` as soon as it can. */
const CLAIM = `
import { connectRedis } from './connect.ts';
import { createKeys } from './keys.ts';
import { createLeases } from './leases.ts';
const redis = await connectRedis({ url: process.env['REDIS'], name: 'test', profile: 'patient', onError: () => {} });
const leases = createLeases(redis, createKeys('test'), { workerId: 'quick', ttlMs: 60_000 });
while ((await leases.owner('slept')) !== 'quick') await leases.acquire('slept');
redis.disconnect();
`;

const leasesOf = (workerId: string) => createLeases(redis, keys, { workerId, ttlMs: 60_000 });

test('a lease has one holder, and each turn has a new epoch', async () => {
  const [a, b] = [leasesOf('a'), leasesOf('b')];
  const first = await a.acquire('d1');
  assert.ok(first);
  assert.equal(await b.acquire('d1'), undefined);
  assert.equal(await b.owner('d1'), 'a');
  await a.release(first);
  const second = await b.acquire('d1');
  assert.equal(second?.epoch, first.epoch + 1);
  assert.equal(await a.renew(first), 'lost');
  await a.release(first);
  assert.equal(await b.owner('d1'), 'b');
});

test('a lease that was given up, or never held, is told from one that ran out', async () => {
  const a = leasesOf('a');
  const [givenUp, ranOut] = [await a.acquire('g1'), await a.acquire('r1')];
  assert.ok(givenUp && ranOut);
  await a.release(givenUp);
  await redis.del(keys.device('r1').lease);
  const vacancy = async (deviceId: string) => toVacancy(await readLastHolder(redis, keys, deviceId));
  assert.deepEqual([await vacancy('g1'), await vacancy('r1'), await vacancy('n1')], ['let_go', 'ran_out', 'new']);
  const again = await a.acquire('g1');
  assert.ok(again);
  await redis.del(keys.device('g1').lease);
  assert.equal(await vacancy('g1'), 'ran_out');
});

test('a worker that stood still between its claim and the answer does not believe an answer that is out of date', async () => {
  const ttlMs = 300;
  const frozen = createLeases(redis, keys, { workerId: 'frozen', ttlMs });
  const claiming = frozen.acquire('slept');
  // The claim goes out at the end of this turn of the loop, and then nothing here runs until another process has the device.
  await setImmediate();
  const { status } = spawnSync(
    process.execPath,
    [...process.execArgv, '--input-type=module-typescript', '--eval', CLAIM],
    {
      cwd: import.meta.dirname,
      env: { REDIS: server.url },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  assert.equal(status, 0);
  assert.equal(await claiming, undefined);
  assert.equal(await frozen.owner('slept'), 'quick');
});

test('who looked before another one’s turn takes nothing', async () => {
  const [a, b] = [leasesOf('a'), leasesOf('b')];
  const seen = await readLastHolder(redis, keys, 'c1');
  const first = await b.acquire('c1', seen);
  assert.ok(first);
  // It ran out on the clock of a Redis that stood still.
  await redis.del(keys.device('c1').lease);
  assert.equal(await a.acquire('c1', seen), undefined);
  assert.equal(await b.renew(first), 'renewed');
});

test('a Redis that came back older than a turn gives it back to its holder', async () => {
  const [a, b] = [leasesOf('a'), leasesOf('b')];
  const former = await a.acquire('o1');
  assert.ok(former);
  const { lease, lastHolder, credentials } = keys.device('o1');
  await a.release(former);
  const newest = await b.acquire('o1');
  assert.ok(newest);
  await redis.mset(lease, former.token, lastHolder, former.token);
  await writeFenced(redis, lastHolder, newest.token, [{ command: 'HSET', key: credentials, fields: [['creds', 'b']] }]);
  assert.equal(await b.renew(newest), 'renewed');
  assert.equal(await a.renew(former), 'lost');
  assert.equal(await a.owner('o1'), 'b');
});

test('a lease that ran out does not hinder its holder’s writes, and the next turn does', async () => {
  const [a, b] = [leasesOf('a'), leasesOf('b')];
  const first = await a.acquire('f1');
  assert.ok(first);
  const { lease, lastHolder, credentials } = keys.device('f1');
  const write = () =>
    writeFenced(redis, lastHolder, first.token, [{ command: 'HSET', key: credentials, fields: [['creds', 'a']] }]);
  await redis.del(lease);
  await write();
  assert.equal(await redis.hget(credentials, 'creds'), 'a');
  assert.ok(await b.acquire('f1'));
  await assert.rejects(write(), LeaseLostError);
});

test('a lease that ran out comes back to its holder, but not after another worker’s turn', async () => {
  const [a, b] = [leasesOf('a'), leasesOf('b')];
  const first = await a.acquire('d2');
  assert.ok(first);
  await redis.del(keys.device('d2').lease);
  assert.equal(await a.renew(first), 'renewed');
  assert.equal(await a.owner('d2'), 'a');
  await redis.del(keys.device('d2').lease);
  const second = await b.acquire('d2');
  assert.ok(second);
  await b.release(second);
  assert.equal(await a.renew(first), 'lost');
});

test('a fenced write by a former owner changes nothing', async () => {
  const first = await leasesOf('a').acquire('d3');
  assert.ok(first);
  const { lastHolder, credentials } = keys.device('d3');
  const binary = Buffer.from([0, 255, 128]);
  await writeFenced(redis, lastHolder, first.token, [
    { command: 'HSET', key: credentials, fields: [['creds', binary]] },
    { command: 'SET', key: keys.device('d3').qr, value: 'x', ttlMs: 1000 },
  ]);
  assert.deepEqual(await redis.hgetBuffer(credentials, 'creds'), binary);
  const write = writeFenced(redis, lastHolder, 'b#0', [{ command: 'DEL', key: credentials }]);
  await assert.rejects(write, LeaseLostError);
  assert.equal(await redis.exists(credentials), 1);
});
