import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type LocalRedis, type RedisRelay, startLocalRedis, startRedisRelay } from '@postern/local-redis';
import { delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { type ConnectOptions, connectRedis, disconnectRedis } from './connect.ts';

const ACCEPTED_AGAIN_MS = 10_000;
let server: LocalRedis;
let relay: RedisRelay;
let errors: string[] = [];
const clients: Redis[] = [];

before(async () => {
  server = await startLocalRedis();
  relay = await startRedisRelay(server.port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) disconnectRedis(client);
  relay.pointTo(server.port);
  errors = [];
});
after(async () => {
  await relay.stop();
  await server.stop();
});

async function connect(profile: ConnectOptions['profile'], url = relay.url): Promise<Redis> {
  const onError = (error: Error) => errors.push(error.message);
  const client = await connectRedis({ url, name: `test-${profile}`, profile, onError });
  clients.push(client);
  return client;
}

/** Until the work succeeds, in milliseconds. */
async function untilDone(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const error = await work().then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    if (!error) return performance.now() - startedMs;
    if (performance.now() - startedMs > 15_000) throw error;
    await delay(20);
  }
}

function block(ms: number): void {
  const startedMs = performance.now();
  while (performance.now() - startedMs < ms);
}

test('half-open connections are made anew: fast commands go through again, patient ones and blocking reads go on', async () => {
  const [fast, patient, reader] = await Promise.all([connect('fast'), connect('patient'), connect('patient')]);
  const read = reader.xread('BLOCK', 2_000, 'STREAMS', 'letters', '$');
  assert.equal(relay.cutSilently(), 3);
  const written = patient.set('patient', 'written');
  assert.ok((await untilDone(() => fast.set('fast', 'written'))) < ACCEPTED_AGAIN_MS);
  assert.equal(await written, 'OK');
  const again = read.then((found) => found ?? reader.xread('BLOCK', 4_000, 'STREAMS', 'letters', '0'));
  await patient.xadd('letters', '*', 'mail', 'x');
  assert.equal((await again)?.[0]?.[1].length, 1);
  assert.ok(errors.some((message) => /said nothing/.test(message)));
});

test('an idle half-open connection is noticed, too', async () => {
  const idle = await connect('patient');
  const back = new Promise((resolve) => idle.once('ready', resolve));
  relay.cutSilently();
  await back;
  assert.equal(await idle.ping(), 'PONG');
});

test('what a fast caller was told has failed is not done on the new connection', async () => {
  const fast = await connect('fast');
  relay.cutSilently();
  await assert.rejects(fast.incr('counted'), /timed out/);
  await untilDone(() => fast.ping());
  assert.equal(await fast.get('counted'), null);
});

test('a connection whose other end is well stays, however late our own event loop is', async () => {
  const client = await connect('fast');
  const answer = client.get('fast');
  block(900);
  assert.equal(await answer, 'written');
  for (let n = 0; n < 3; n += 1) {
    block(2_000);
    await new Promise(setImmediate);
  }
  assert.equal(await client.get('fast'), 'written');
  assert.deepEqual(errors, []);
});

test('a master that became a replica is left: refused while the address leads to it, and served when it leads to a master', async () => {
  const [old, other] = await Promise.all([startLocalRedis(), startLocalRedis()]);
  relay.pointTo(old.port);
  const [fast, patient, reader] = await Promise.all([connect('fast'), connect('patient'), connect('patient')]);
  const admin = await connect('fast', old.url);
  await admin.replicaof('127.0.0.1', other.port);
  await assert.rejects(fast.set('a', '1'), /READONLY/);
  const waiting = patient.set('patient', 'after the failover');
  // It only reads, and hears of it all the same.
  await new Promise((resolve) => reader.once('close', resolve));
  await assert.rejects(fast.set('a', '1'), /READONLY|writeable/);
  relay.pointTo(other.port);
  assert.ok((await untilDone(() => fast.set('a', '1'))) < ACCEPTED_AGAIN_MS);
  assert.equal(await waiting, 'OK');
  await reader.ping();
  assert.equal(await fast.get('patient'), 'after the failover');
  for (const client of clients.splice(0)) disconnectRedis(client);
  await Promise.all([old.stop(), other.stop()]);
});
