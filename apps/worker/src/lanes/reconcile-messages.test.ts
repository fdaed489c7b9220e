import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isSettled, newMessageId } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { type BlobStore, createDirectoryBlobStore } from '@postern/media';
import { openLaneQueue } from '@postern/queue';
import {
  announceMessage,
  connectRedis,
  createKeys,
  createLeases,
  createMessages,
  type Messages,
} from '@postern/registry';
import { createLogger, delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { startReconciler } from './reconcile-messages.ts';

const keys = createKeys('test');
let server: LocalRedis;
let redis: Redis;
let messages: Messages;
let directory: string;
let blobs: BlobStore;

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  directory = await mkdtemp(join(tmpdir(), 'postern-reconcile-'));
  blobs = createDirectoryBlobStore({ directory });
});
after(async () => {
  redis.disconnect();
  await server.stop();
  await rm(directory, { recursive: true });
});

async function createRecord(ageMs: number): Promise<string> {
  const message_id = newMessageId();
  const now = Date.now();
  const record = { message_id, device_id: 'd', phone: '1@lid', attempts: 0, created_at: now - ageMs };
  await messages.create({ ...record, expires_at: now + 60_000, state: 'queued' });
  return message_id;
}

test('a message whose job never came is ended, and what is on its way or has a job is left alone', async () => {
  const lease = await createLeases(redis, keys, { workerId: 'w', ttlMs: 60_000 }).acquire('d');
  const [orphan, sending, young, queued, settled] = [
    await createRecord(10_000),
    await createRecord(10_000),
    await createRecord(0),
    await createRecord(10_000),
    await createRecord(10_000),
  ];
  await blobs.put(
    orphan,
    (async function* () {
      yield Buffer.from('image');
    })(),
  );
  await messages.beginAttempt('d', sending, lease?.token ?? '');
  const queue = await openLaneQueue(redis, keys, 'd');
  await queue.add('send-image', {}, { jobId: queued });
  await messages.markSent('d', settled, 1);

  const logger = createLogger({ name: 'test', level: 'silent' });
  const codes: string[] = [];
  const onFailed = (code: string) => codes.push(code);
  const options = { redis, keys, messages, blobs, intervalMs: 20, minAgeMs: 5_000, onFailed, logger };
  const reconciler = startReconciler(options);
  const isDone = async () => {
    const states = await Promise.all([orphan, sending].map((id) => messages.read('d', id)));
    const left = (await messages.unsettled(0, 10)).map((entry) => entry.messageId);
    return states.every((record) => record && isSettled(record.state)) && left.length === 2;
  };
  for (const deadline = Date.now() + 10_000; !(await isDone()); await delay(10)) assert.ok(Date.now() < deadline);
  await reconciler.stop();
  await queue.close();

  const stateOf = async (id: string) => (await messages.read('d', id))?.state;
  assert.deepEqual(codes.toSorted(), ['ACK_TIMEOUT', 'QUEUE_UNAVAILABLE']);
  assert.deepEqual(await Promise.all([young, queued, settled].map(stateOf)), ['queued', 'queued', 'sent']);
  await assert.rejects(blobs.read(orphan));
});

test('an announcement without a record is dropped at the second look, in case its record is being written', async () => {
  const [now, abandoned, accepted] = [Date.now(), newMessageId(), newMessageId()];
  const announced = [abandoned, accepted].map((message_id) => ({
    message_id,
    device_id: 'd',
    expires_at: now + 60_000,
  }));
  const announcement = { deadline: { ttlMs: 60_000 }, ttlMs: 60_000 };
  for (const message of announced) await announceMessage(redis, keys, message, announcement);
  const read: Messages['read'] = async (deviceId, messageId) => {
    const found = await messages.read(deviceId, messageId);
    const record = { phone: '1@lid', state: 'queued', attempts: 0, created_at: now } as const;
    const late = announced.find(({ message_id }) => message_id === accepted && message_id === messageId);
    if (!found && late) await messages.create({ ...late, ...record });
    return found;
  };
  const logger = createLogger({ name: 'test', level: 'silent' });
  const options = { redis, keys, blobs, intervalMs: 20, minAgeMs: 60_000, onFailed: () => {}, logger };
  const reconciler = startReconciler({ ...options, messages: { ...messages, read } });
  const left = async () => (await messages.unsettled(0, 10)).map((entry) => entry.messageId);
  for (const deadline = Date.now() + 10_000; (await left()).includes(abandoned); await delay(10)) {
    assert.ok(Date.now() < deadline);
  }
  await reconciler.stop();
  assert.ok((await left()).includes(accepted));
});
