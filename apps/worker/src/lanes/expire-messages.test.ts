import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newMessageId, type SendImageJob } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { createDirectoryBlobStore } from '@postern/media';
import { createProducer, hasJob, readJob, removeJob } from '@postern/queue';
import { connectRedis, createFailedJobs, createKeys, createMessages } from '@postern/registry';
import { createLogger, delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { startExpiry } from './expire-messages.ts';

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

function toJob(): SendImageJob {
  const now = Date.now();
  return {
    message_id: newMessageId(),
    device_id: 'd',
    recipient: { kind: 'person', jid: '628123456789@s.whatsapp.net' },
    image: { source: 'blob', mimetype: 'image/png', bytes: 1, width: 64, height: 64, sha256: 'a' },
    caption: '',
    view_once: false,
    compress: false,
    hd: false,
    is_forwarded: false,
    mentions: [],
    accepted_at: now - 2,
    expires_at: now - 1,
    request_id: 'r',
    reply_to: 'g',
  };
}

for (const ttlMs of [0, 60_000]) {
  test(`a message that nobody takes expires; with ${ttlMs} ms it is ${ttlMs === 0 ? 'not ' : ''}kept`, async (t) => {
    const directory = await mkdtemp(join(tmpdir(), 'postern-expire-'));
    const blobs = createDirectoryBlobStore({ directory });
    const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
    const failedJobs = createFailedJobs(redis, keys, { ttlMs });
    const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
    const job = toJob();
    const { message_id, device_id } = job;
    await blobs.put(message_id, image());
    const record = { message_id, device_id, phone: job.recipient.jid, state: 'queued', attempts: 0 } as const;
    await messages.create({ ...record, created_at: job.accepted_at, expires_at: job.expires_at });
    await producer.accept(job);
    const expiry = startExpiry({
      messages,
      blobs,
      failedJobs,
      readJob: (...ids) => readJob(redis, keys, ...ids),
      removeJob: (...ids) => removeJob(redis, keys, ...ids),
      intervalMs: 10,
      onExpired: () => {},
      logger: createLogger({ name: 'test', level: 'silent' }),
    });
    t.after(() => expiry.stop());

    t.after(() => rm(directory, { recursive: true }));
    const deadline = Date.now() + 5_000;
    while ((await redis.zcard(keys.deadlines)) > 0 && Date.now() < deadline) await delay(10);
    assert.equal((await messages.read(device_id, message_id))?.error?.code, 'EXPIRED');
    assert.equal(await hasJob(redis, keys, device_id, message_id), false);
    const isKept = ttlMs > 0;
    assert.deepEqual(await failedJobs.find(device_id, message_id), isKept ? job : undefined);
    assert.deepEqual(await readdir(join(directory, 'blobs')), isKept ? [message_id] : []);
  });
}

// oxlint-disable-next-line require-await
async function* image() {
  yield Buffer.from('image');
}
