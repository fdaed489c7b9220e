import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newMessageId, type SendImageJob } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { createProducer, Lane, readDepths } from '@postern/queue';
import { connectRedis, createKeys, createLeases } from '@postern/registry';
import { delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { LazyLane } from './lazy-lane.ts';

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

function toJob(deviceId: string): SendImageJob {
  const now = Date.now();
  return {
    message_id: newMessageId(),
    device_id: deviceId,
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
    reply_to: 'g',
  };
}

async function createLane(deviceId: string, idleMs: number, recheckMs = 60_000) {
  const operator = { paused: false };
  await redis.hsetnx(keys.device(deviceId).record, 'created_at', 1);
  const lease = await createLeases(redis, keys, { workerId: 'w', ttlMs: 60_000 }).acquire(deviceId);
  const announced: boolean[] = [];
  const worked: string[] = [];
  const lane = new LazyLane({
    idleMs,
    recheckMs,
    isPaused: () => Promise.resolve(operator.paused),
    depth: async () => (await readDepths(redis, keys, [deviceId]))[0] ?? 0,
    announce: async (isOpen) => {
      announced.push(isOpen);
    },
    onError: (error) => assert.fail(String(error)),
    open: () =>
      new Lane({
        redis,
        keys,
        deviceId,
        leaseToken: lease?.token ?? '',
        concurrency: 2,
        process: async (job) => {
          worked.push(job.message_id);
          return 'settled';
        },
        onProblem: async () => {},
        // A lane that is closed while it opens its connection says so.
        onError: (error) => assert.match(String(error), /Connection is closed/),
      }),
  });
  return { lane, announced, worked, operator };
}

async function until(condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !condition(); await delay(5)) assert.ok(Date.now() < deadline);
}

test('a lane opens for a wake, works, closes when idle, and opens again', async () => {
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const { lane, announced, worked } = await createLane('a', 30);
  lane.resume();
  assert.equal(lane.isOpen, false);
  for (const round of [1, 2]) {
    await producer.accept(toJob('a'));
    lane.wake();
    await until(() => worked.length === round && !lane.isOpen);
  }
  // Saying the same again is harmless; a wake that meets a closing lane does.
  assert.deepEqual(
    announced.filter((isOpen, index) => isOpen !== announced[index - 1]),
    [true, false, true, false],
  );
  await lane.close(100);
});

test('a lane that is paused while messages wait stays open, and works them when it resumes', async () => {
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const { lane, worked } = await createLane('b', 10);
  await producer.accept(toJob('b'));
  lane.wake();
  await delay(60);
  assert.ok(lane.isOpen);
  assert.equal(worked.length, 0);
  lane.resume();
  await until(() => worked.length === 1);
  await lane.close(100);
});

test('what an operator has paused takes nothing in hand, whatever the device does, until it is told or looks itself', async () => {
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const { lane, worked, operator } = await createLane('c', 10, 40);
  operator.paused = true;
  await producer.accept(toJob('c'));
  lane.wake();
  lane.resume();
  lane.pause();
  lane.resume();
  await delay(100);
  assert.deepEqual([lane.isOpen, worked.length], [true, 0]);
  // Nobody tells it.
  operator.paused = false;
  await until(() => worked.length === 1);

  operator.paused = true;
  lane.recheckPause();
  await producer.accept(toJob('c'));
  lane.wake();
  await delay(60);
  assert.equal(worked.length, 1);
  operator.paused = false;
  lane.recheckPause();
  await until(() => worked.length === 2);
  await lane.close(100);
});

test('the lane of a device that is removed is drained although it is paused', async () => {
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const { lane, worked, operator } = await createLane('d', 60_000, 20);
  operator.paused = true;
  lane.resume();
  await redis.hsetnx(keys.device('d').record, 'created_at', 1);
  await producer.accept(toJob('d'));
  await lane.drained();
  assert.equal(worked.length, 1);
  await lane.close(100);
});
