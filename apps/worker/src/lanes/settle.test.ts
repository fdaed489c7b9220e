import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Failure, newMessageId, type SendImageJob } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { type BlobStore, createDirectoryBlobStore } from '@postern/media';
import { createJobSettler, createProducer, hasJob, Lane, putBackJobs } from '@postern/queue';
import {
  connectRedis,
  createFailedJobs,
  createKeys,
  createLeases,
  createMessages,
  type Lease,
} from '@postern/registry';
import { createLogger } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { type Ending, settle } from './settle.ts';

let server: LocalRedis;
let redis: Redis;
let directory: string;
let blobs: BlobStore;
const keys = createKeys('test');

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  directory = await mkdtemp(join(tmpdir(), 'postern-settle-'));
  blobs = createDirectoryBlobStore({ directory });
});
afterEach(async () => {
  await Promise.all(lanes.splice(0).map((lane) => lane.close(0)));
  await redis.flushall();
});
after(async () => {
  redis.disconnect();
  await server.stop();
  await rm(directory, { recursive: true });
});

const failed: Ending = { type: 'failed', failure: new Failure('SEND_FAILED', 'refused'), attempts: 1 };
const sent: Ending = { type: 'sent', acknowledgedAt: 1, sha256Sent: 'a', sha256Uploaded: 'b', attempts: 1, notes: [] };
const unacknowledged: Ending = { type: 'failed', failure: new Failure('ACK_TIMEOUT', 'no ack'), attempts: 1 };
const dropped: Ending = { type: 'dropped', reason: 'settled' };
const lanes: Lane[] = [];

const messages = () => createMessages(redis, keys, { recordTtlMs: 60_000 });

/** A message with its blob, in its lane. */
async function accept(): Promise<SendImageJob> {
  const now = Date.now();
  const job: SendImageJob = {
    message_id: newMessageId(),
    device_id: 'd',
    recipient: { kind: 'person', jid: '628123456789@s.whatsapp.net' },
    image: { source: 'blob', mimetype: 'image/png', bytes: 1, width: 64, height: 64, sha256: 'a' },
    caption: 'kept',
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
  await blobs.put(job.message_id, image());
  await redis.hsetnx(keys.device('d').record, 'created_at', now);
  await createProducer(redis, keys, { recordTtlMs: 60_000 }).accept(job);
  return job;
}

/** Takes what waits in the lane in hand as another worker, which owns the device from then on. */
async function takeOver(workerId: string): Promise<Lease> {
  await redis.del(keys.device('d').lease);
  const lease = await createLeases(redis, keys, { workerId, ttlMs: 60_000 }).acquire('d');
  assert.ok(lease);
  await putBackJobs(redis, keys, lease, { mode: 'all' });
  const taken = Promise.withResolvers<void>();
  const lane = new Lane({
    redis,
    keys,
    deviceId: 'd',
    leaseToken: lease.token,
    concurrency: 1,
    process: () => {
      taken.resolve();
      return new Promise(() => {});
    },
    onProblem: async () => {},
    onError: (error) => taken.reject(error),
  });
  lane.resume();
  await taken.promise;
  lanes.push(lane);
  return lease;
}

/** Settles the message so, and answers what was told meanwhile. */
async function settleAs(job: SendImageJob, outcome: Ending, lease: Lease, ttlMs = 0): Promise<string[]> {
  const failedJobs = createFailedJobs(redis, keys, { ttlMs });
  const told: string[] = [];
  await settle(job, outcome, {
    messages: messages(),
    jobs: createJobSettler(redis, keys, { recordTtlMs: 60_000, failedJobTtlMs: ttlMs }),
    lease,
    blobs,
    failedJobs,
    countDropped: (reason) => told.push(`dropped ${reason}`),
    count: (result, code) => told.push(`counted ${result} ${code}`),
    logger: createLogger({ name: 'test', level: 'silent' }),
    async notify(_, news) {
      const kept = await failedJobs.find('d', job.message_id);
      told.push(`${(await messages().read('d', job.message_id))?.state} ${kept?.caption} ${news?.state}`);
    },
  });
  return told;
}

/** What is left of the message. */
async function leftOf({ message_id }: SendImageJob) {
  return {
    state: (await messages().read('d', message_id))?.state,
    blob: await blobs.read(message_id).then(String, () => undefined),
    kept: await createFailedJobs(redis, keys, { ttlMs: 0 }).find('d', message_id),
    hasJob: await hasJob(redis, keys, 'd', message_id),
  };
}

test('a failed message is kept with its image before anybody is told', async () => {
  const job = await accept();
  const told = await settleAs(job, failed, await takeOver('w'), 60_000);
  assert.deepEqual(told, ['counted failed SEND_FAILED', 'failed kept undefined']);
  assert.deepEqual(await leftOf(job), { state: 'failed', blob: 'image', kept: job, hasJob: false });
  const left = await redis.pttl(keys.device('d').failedJob(job.message_id));
  assert.ok(left > 50_000 && left <= 60_000, `${left} ms`);
  // A second job of a message that is kept takes nothing away.
  await settleAs(job, dropped, { deviceId: 'd', token: 'w#1', epoch: 1 }, 60_000);
  assert.deepEqual(await leftOf(job), { state: 'failed', blob: 'image', kept: job, hasJob: false });
});

for (const [name, outcome, ttlMs, expected] of [
  [
    'a failed message without a time to keep it',
    failed,
    0,
    ['counted failed SEND_FAILED', 'failed undefined undefined'],
  ],
  ['a sent message', sent, 60_000, ['counted sent SUCCESS', 'sent undefined sent']],
] as const) {
  test(`nothing is kept of ${name}`, async () => {
    const job = await accept();
    assert.deepEqual(await settleAs(job, outcome, await takeOver('w'), ttlMs), expected);
    const { blob, kept, hasJob: isLeft } = await leftOf(job);
    assert.deepEqual([blob, kept, isLeft], [undefined, undefined, false]);
  });
}

test('a worker that was cut off fails nothing that its successor is sending, and leaves it the image', async () => {
  const job = await accept();
  const zombie = await takeOver('w1');
  await messages().beginAttempt('d', job.message_id, zombie.token);
  const successor = await takeOver('w2');
  await messages().beginAttempt('d', job.message_id, successor.token);
  assert.deepEqual(await settleAs(job, failed, zombie, 60_000), []);
  assert.deepEqual(await leftOf(job), { state: 'sending', blob: 'image', kept: undefined, hasJob: true });
  assert.deepEqual(await settleAs(job, sent, successor), ['counted sent SUCCESS', 'sent undefined sent']);
  assert.deepEqual(await leftOf(job), { state: 'sent', blob: undefined, kept: undefined, hasJob: false });
});

test('what a worker that was cut off knows to be sent is sent, and counted once, when its successor drops the job', async () => {
  const job = await accept();
  const zombie = await takeOver('w1');
  const successor = await takeOver('w2');
  assert.deepEqual(await settleAs(job, sent, zombie), ['sent undefined sent']);
  assert.deepEqual(await leftOf(job), { state: 'sent', blob: undefined, kept: undefined, hasJob: true });
  const proved: Ending = { type: 'proved', attempts: 1 };
  assert.deepEqual(await settleAs(job, proved, successor), ['counted sent SUCCESS', 'sent undefined undefined']);
  assert.equal((await leftOf(job)).hasJob, false);
});

test('a message that a phone has told of is counted and told as sent when its attempts run out', async () => {
  const job = await accept();
  const lease = await takeOver('w');
  await messages().beginAttempt('d', job.message_id, lease.token);
  await messages().markReceipt('d', job.message_id, { status: 'delivered', at: Date.now() });
  const told = await settleAs(job, unacknowledged, lease, 60_000);
  assert.deepEqual(told, ['counted sent SUCCESS', 'delivered undefined undefined']);
  assert.deepEqual(await leftOf(job), { state: 'delivered', blob: undefined, kept: undefined, hasJob: false });
});

// oxlint-disable-next-line require-await
async function* image() {
  yield Buffer.from('image');
}
