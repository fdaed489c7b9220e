import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type MessageState, newMessageId } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { connectRedis } from './connect.ts';
import { createKeys } from './keys.ts';
import { createMessageLists } from './message-lists.ts';

const DEVICES = 120;
const keys = createKeys('test');
let server: LocalRedis;
let redis: Redis;

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

const deviceIds = Array.from({ length: DEVICES }, (_, n) => `d${n}`);

/** Writes a message as acceptance does, and answers how lists order it. */
async function write(deviceId: string, createdAt: number, state: MessageState): Promise<string> {
  const message_id = newMessageId();
  const own = keys.device(deviceId);
  const record = { message_id, device_id: deviceId, phone: '62811@s.whatsapp.net', state, attempts: 0 };
  await redis.hset(own.message(message_id), { ...record, created_at: createdAt, expires_at: createdAt + 1 });
  await redis.zadd(own.messageIndex, createdAt, message_id);
  if (state === 'failed') await redis.zadd(own.failures, createdAt, message_id);
  return `${String(createdAt).padStart(8, '0')}-${message_id}`;
}

async function readAll(ids: string[], query: { limit: number; state?: MessageState }): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await createMessageLists(redis, keys).page(ids, { ...query, cursor });
    assert.ok(page.messages.length <= query.limit);
    seen.push(...page.messages.map((m) => `${String(m.created_at).padStart(8, '0')}-${m.message_id}`));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return seen;
}

/** How often Redis ran each command meanwhile. */
async function countCommands(work: () => Promise<unknown>): Promise<Record<string, number>> {
  await redis.config('RESETSTAT');
  await work();
  const stats = await redis.info('commandstats');
  return Object.fromEntries([...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, n]) => [name, Number(n)]));
}

test('pages of many devices, uneven and with equal times, hold every message once, newest first', async () => {
  await redis.flushall();
  const writing: Promise<string>[] = [];
  for (const [n, deviceId] of deviceIds.entries()) {
    for (let m = 0; m < (n === 3 ? 150 : n % 5); m += 1) writing.push(write(deviceId, 1_000 + ((n * m) % 7), 'sent'));
  }
  const written = (await Promise.all(writing)).toSorted().toReversed();
  for (const limit of [1, 10, 200]) assert.deepEqual(await readAll(deviceIds, { limit }), written, `${limit}`);
  const ofOne = await readAll(['d3'], { limit: 20 });
  assert.equal(ofOne.length, 150);
  assert.deepEqual(ofOne, ofOne.toSorted().toReversed());
  assert.deepEqual(await readAll([], { limit: 20 }), []);
});

test('the failed messages of many devices are read without reading what the others sent', async () => {
  await redis.flushall();
  const writing: Promise<string>[] = [];
  for (const deviceId of deviceIds) {
    for (let m = 0; m < 30; m += 1) writing.push(write(deviceId, 1_000 + m, 'sent'));
  }
  await Promise.all(writing);
  const failed = [await write('d7', 1_010, 'failed'), await write('d8', 1_020, 'failed')];
  const calls = await countCommands(async () => {
    assert.deepEqual(await readAll(deviceIds, { limit: 50, state: 'failed' }), failed.toReversed());
  });
  assert.equal(calls['exists'], DEVICES);
  assert.equal(calls['zrevrangebyscore'], 2);
  assert.equal(calls['hget'], 62);
  assert.equal(calls['hgetall'], 2);
});

test('a page of many devices reads of each hardly more than it shows', async () => {
  await redis.flushall();
  const writing: Promise<string>[] = [];
  for (const deviceId of deviceIds) {
    for (let m = 0; m < 60; m += 1) writing.push(write(deviceId, 1_000 + m, 'sent'));
  }
  await Promise.all(writing);
  const calls = await countCommands(async () => {
    const { messages } = await createMessageLists(redis, keys).page(deviceIds, { limit: 50 });
    assert.equal(messages.length, 50);
  });
  assert.equal(calls['zrevrangebyscore'], DEVICES);
  assert.equal(calls['hgetall'], 51);
});
