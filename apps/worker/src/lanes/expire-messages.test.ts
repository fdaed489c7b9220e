import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, type TestContext, test } from 'node:test';
import { newMessageId, type SendImageJob } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { type BlobStore, createDirectoryBlobStore } from '@postern/media';
import { createProducer, hasJob, putBackJobs, readDepths, readJob } from '@postern/queue';
import {
  connectRedis,
  createFailedJobs,
  createKeys,
  createLeases,
  createMessages,
  type Lease,
  type Messages,
} from '@postern/registry';
import { createLogger, delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { type ExpireOptions, startExpiry } from './expire-messages.ts';

const TWO_HOURS_MS = 2 * 3_600_000;
let server: LocalRedis;
let redis: Redis;
let messages: Messages;
let blobs: BlobStore;
let directory: string;
const keys = createKeys('test');
const logger = createLogger({ name: 'test', level: 'silent' });

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  directory = await mkdtemp(join(tmpdir(), 'postern-expire-'));
  blobs = createDirectoryBlobStore({ directory });
});
afterEach(() => redis.flushall());
after(async () => {
  redis.disconnect();
  await server.stop();
  await rm(directory, { recursive: true });
});

const toJob = (deviceId: string, waitsMs: number): SendImageJob => ({
  message_id: newMessageId(),
  device_id: deviceId,
  recipient: { kind: 'person', jid: '628123456789@s.whatsapp.net' },
  image: { source: 'blob', mimetype: 'image/png', bytes: 1, width: 64, height: 64, sha256: 'a' },
  caption: '',
  view_once: false,
  compress: false,
  hd: false,
  is_forwarded: false,
  mentions: [],
  accepted_at: Date.now(),
  expires_at: Date.now() + waitsMs,
  request_id: 'r',
  reply_to: 'g',
});

/** Accepts a message as a gateway does. */
async function accept(deviceId: string, waitsMs: number): Promise<SendImageJob> {
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  await redis.hsetnx(keys.device(deviceId).record, 'created_at', 1);
  const job = await producer.announce(toJob(deviceId, waitsMs));
  await producer.accept(job);
  return job;
}

function expire(t: TestContext, more: Partial<ExpireOptions> = {}): string[] {
  const codes: string[] = [];
  const onFailed = (code: string) => codes.push(code);
  const times = { recordTtlMs: 60_000, failedJobTtlMs: 0, intervalMs: 10 };
  const expiry = startExpiry({ redis, keys, messages, blobs, ...times, onFailed, logger, ...more });
  t.after(() => expiry.stop());
  return codes;
}

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = performance.now() + 30_000; !(await condition()); await delay(10)) {
    assert.ok(performance.now() < deadline, what);
  }
}

async function acquire(deviceId: string, workerId = 'w'): Promise<Lease> {
  const lease = await createLeases(redis, keys, { workerId, ttlMs: 60_000 }).acquire(deviceId);
  assert.ok(lease);
  return lease;
}

const stateOf = async ({ device_id, message_id }: SendImageJob) => {
  const record = await messages.read(device_id, message_id);
  return record?.error?.code ?? record?.state;
};
const unsettled = async () => (await messages.unsettled(0, 1000)).map(({ messageId }) => messageId);

for (const ttlMs of [0, 60_000]) {
  test(`a message that nobody takes expires; with ${ttlMs} ms it is ${ttlMs === 0 ? 'not ' : ''}kept`, async (t) => {
    const job = await accept('d', 1);
    const { message_id, device_id } = job;
    await blobs.put(message_id, image());
    const codes = expire(t, { failedJobTtlMs: ttlMs });
    await until('it is over', async () => (await unsettled()).length === 0);
    assert.deepEqual([await stateOf(job), codes], ['EXPIRED', ['EXPIRED']]);
    assert.equal(await hasJob(redis, keys, device_id, message_id), false);
    assert.deepEqual(await readDepths(redis, keys, ['d']), [0]);
    const kept = await createFailedJobs(redis, keys, { ttlMs: 0 }).find(device_id, message_id);
    assert.deepEqual(kept, ttlMs > 0 ? job : undefined);
    assert.deepEqual(await readdir(join(directory, 'blobs')), ttlMs > 0 ? [message_id] : []);
    await blobs.delete(message_id);
  });
}

test('neither a worker whose clock is two hours ahead nor such a gateway lets a message expire early or late', async (t) => {
  const [waiting, overdue] = [await accept('d', 3_600_000), await accept('d', 1)];
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + TWO_HOURS_MS });
  const acceptedAhead = await accept('d', 1);
  assert.ok(acceptedAhead.accepted_at < Date.now() - TWO_HOURS_MS + 60_000);
  expire(t);
  await until('what is overdue ends', async () => (await unsettled()).length === 1);
  const jobs = [waiting, overdue, acceptedAhead];
  assert.deepEqual(await Promise.all(jobs.map(stateOf)), ['queued', 'EXPIRED', 'EXPIRED']);
  assert.deepEqual(await unsettled(), [waiting.message_id]);
});

test('a message that was being sent ends as unacknowledged when nobody has it in hand, and stays known until then', async (t) => {
  const lease = await acquire('d');
  const [held, released] = [await accept('d', 1), await accept('d', 1)];
  for (const { message_id } of [held, released]) await messages.beginAttempt('d', message_id, lease.token);
  await redis.set(`test:{d}:lane:${held.message_id}:lock`, lease.token);
  const codes = expire(t, {
    messages: { ...messages, claimDue: (claim) => messages.claimDue({ ...claim, againMs: 20 }) },
  });
  await until('the released one ends', () => codes.length === 1);
  assert.deepEqual([await stateOf(held), await stateOf(released)], ['sending', 'ACK_TIMEOUT']);
  assert.deepEqual(await unsettled(), [held.message_id]);
  // Its owner dies; the next one takes it out of the dead hand.
  await redis.rpoplpush('test:{d}:lane:wait', 'test:{d}:lane:active');
  await redis.del(keys.device('d').lease);
  assert.equal(await putBackJobs(redis, keys, await acquire('d', 'w2'), { mode: 'all' }), 1);
  await until('it ends, too', () => codes.length === 2);
  assert.deepEqual([await stateOf(held), await readJob(redis, keys, 'd', held.message_id)], ['ACK_TIMEOUT', undefined]);
  await until('nothing is left', async () => (await unsettled()).length === 0);
});

test('a message that cannot be read keeps no other one of its device from expiring', async (t) => {
  const [broken, other] = [await accept('d', 1), await accept('d', 1)];
  await redis.set(keys.device('d').message(broken.message_id), 'not a hash');
  const codes = expire(t);
  await until('the other one ends', async () => (await unsettled()).length === 1);
  assert.deepEqual([await stateOf(other), codes], ['EXPIRED', ['EXPIRED']]);
  assert.deepEqual(await unsettled(), [broken.message_id]);
});

test('a device whose messages cannot be ended keeps nobody else’s from expiring', async (t) => {
  const [broken, other] = [await accept('a', 1), await accept('b', 1)];
  const codes = expire(t, {
    blobs: { delete: (id) => (id === broken.message_id ? Promise.reject(new Error('away')) : Promise.resolve()) },
  });
  await until('the other one ends', async () => (await unsettled()).length === 1);
  assert.deepEqual([await stateOf(other), codes.length], ['EXPIRED', 2]);
});

test('thousands of messages expire in one script a chunk, from the consuming end, and several workers share them', async (t) => {
  const COUNT = 3_000;
  for (let n = 0; n < COUNT; n += 1) await accept('d', 1);
  const waits = await accept('d', 3_600_000);
  await redis.config('RESETSTAT');
  const all = [expire(t), expire(t)];
  await until('all have ended', async () => (await unsettled()).length === 1);
  assert.equal(all.flat().length, COUNT);
  assert.deepEqual([await stateOf(waits), await readDepths(redis, keys, ['d'])], ['queued', [1]]);
  const stats = await redis.info('commandstats');
  const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1]);
  assert.ok(calls < COUNT / 10, `${calls} scripts`);
});

// oxlint-disable-next-line require-await
async function* image() {
  yield Buffer.from('image');
}
