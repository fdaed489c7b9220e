import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Failure, newMessageId, type SendImageJob } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { type BlobStore, createDirectoryBlobStore } from '@postern/media';
import { createJobSettler } from '@postern/queue';
import { connectRedis, createFailedJobs, createKeys, createMessages } from '@postern/registry';
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
after(async () => {
  redis.disconnect();
  await server.stop();
  await rm(directory, { recursive: true });
});

const failed: Ending = { type: 'failed', failure: new Failure('SEND_FAILED', 'refused'), attempts: 1 };
const sent: Ending = { type: 'sent', acknowledgedAt: 1, sha256Sent: 'a', sha256Uploaded: 'b', attempts: 1, notes: [] };
const dropped: Ending = { type: 'dropped' };

/** Settles a message with its blob so, one outcome after the other, and answers what is kept of it. */
async function settleAs(outcomes: Ending[], ttlMs: number) {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const failedJobs = createFailedJobs(redis, keys, { ttlMs });
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
  const { message_id, device_id } = job;
  const times = { created_at: now, expires_at: job.expires_at };
  await messages.create({ message_id, device_id, phone: job.recipient.jid, state: 'queued', attempts: 0, ...times });
  await blobs.put(message_id, image());
  const seen: string[] = [];
  for (const outcome of outcomes) {
    await settle(job, outcome, {
      messages,
      jobs: createJobSettler(redis, keys, { recordTtlMs: 60_000 }),
      lease: { deviceId: 'd', token: 'w#1' },
      blobs,
      failedJobs,
      count: () => {},
      logger: createLogger({ name: 'test', level: 'silent' }),
      async notify() {
        const kept = await failedJobs.find(device_id, message_id);
        seen.push(`${(await messages.read(device_id, message_id))?.state} ${kept?.caption}`);
      },
    });
  }
  const blob = await blobs.read(message_id).then(String, () => undefined);
  return { seen, blob, job, kept: await failedJobs.find(device_id, message_id) };
}

// oxlint-disable-next-line require-await
async function* image() {
  yield Buffer.from('image');
}

test('a failed message is kept with its image before anybody is told', async () => {
  const { seen, blob, kept, job } = await settleAs([failed], 60_000);
  assert.deepEqual(seen, ['failed kept']);
  assert.equal(blob, 'image');
  assert.deepEqual(kept, job);
  const left = await redis.pttl(keys.device('d').failedJob(job.message_id));
  assert.ok(left > 50_000 && left <= 60_000, `${left} ms`);
});

test('a second job of a message that is kept takes nothing away', async () => {
  const { blob, kept } = await settleAs([failed, dropped], 60_000);
  assert.equal(blob, 'image');
  assert.ok(kept);
});

for (const [name, outcomes, ttlMs] of [
  ['a failed message without a time to keep it', [failed], 0],
  ['a sent message', [sent], 60_000],
  ['a message that settled before', [dropped], 60_000],
] as const) {
  test(`nothing is kept of ${name}`, async () => {
    const { blob, kept } = await settleAs([...outcomes], ttlMs);
    assert.deepEqual([blob, kept], [undefined, undefined]);
  });
}
