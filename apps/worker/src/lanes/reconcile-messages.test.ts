import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isSettled, newMessageId } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { type BlobStore, createDirectoryBlobStore } from '@postern/media';
import { createProducer, openLaneQueue } from '@postern/queue';
import {
  announceMessage,
  connectRedis,
  createDevices,
  createKeys,
  createLeases,
  createMessages,
  type Messages,
} from '@postern/registry';
import { createLogger, delay, within } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { startReconciler } from './reconcile-messages.ts';

const keys = createKeys('test');
const onUnreadable = (error: unknown) => assert.fail(String(error));
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

const onRebuilt = () => {};

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
  const options = {
    redis,
    keys,
    messages,
    blobs,
    intervalMs: 20,
    minAgeMs: 5_000,
    onFailed,
    onRebuilt,
    onUnreadable,
    logger,
  };
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
  const options = {
    redis,
    keys,
    blobs,
    intervalMs: 20,
    minAgeMs: 60_000,
    onFailed: () => {},
    onRebuilt,
    onUnreadable,
    logger,
  };
  const reconciler = startReconciler({ ...options, messages: { ...messages, read } });
  const left = async () => (await messages.unsettled(0, 10)).map((entry) => entry.messageId);
  for (const deadline = Date.now() + 10_000; (await left()).includes(abandoned); await delay(10)) {
    assert.ok(Date.now() < deadline);
  }
  await reconciler.stop();
  assert.ok((await left()).includes(accepted));
});

test('a message whose record Redis has lost gets it back from its job', async () => {
  await createDevices(redis, keys).create('d');
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const job = await producer.announce({
    message_id: newMessageId(),
    device_id: 'd',
    recipient: { kind: 'person', jid: '628123456789@s.whatsapp.net' },
    image: { source: 'url', url: 'http://example.com/a.jpg' },
    caption: '',
    view_once: false,
    compress: false,
    hd: false,
    is_forwarded: false,
    mentions: [],
    accepted_at: 0,
    expires_at: 60_000,
    request_id: 'r',
    reply_to: 'g',
  });
  await producer.accept(job);
  const accepted = await messages.read('d', job.message_id);
  await redis.del(keys.device('d').message(job.message_id));
  const logger = createLogger({ name: 'test', level: 'silent' });
  const rebuilt = Promise.withResolvers<void>();
  const options = {
    redis,
    keys,
    messages,
    blobs,
    intervalMs: 20,
    minAgeMs: 60_000,
    onFailed: () => {},
    onUnreadable,
    logger,
  };
  const reconciler = startReconciler({ ...options, onRebuilt: () => rebuilt.resolve() });
  await within(rebuilt.promise, 10_000, () => new Error('not rebuilt'));
  await reconciler.stop();
  assert.deepEqual(await messages.read('d', job.message_id), accepted);
});

test('a record that cannot be read is told, and keeps no other message from being ended', async () => {
  await redis.flushall();
  const [damaged, orphan] = [await createRecord(10_000), await createRecord(9_000)];
  await redis.hset(keys.device('d').message(damaged), 'created_at', 'some day');
  const told: string[] = [];
  const reconciler = startReconciler({
    redis,
    keys,
    messages,
    blobs,
    intervalMs: 20,
    minAgeMs: 5_000,
    onFailed: () => {},
    onRebuilt,
    onUnreadable: (error) => told.push(String(error)),
    logger: createLogger({ name: 'test', level: 'silent' }),
  });
  const left = async () => (await messages.unsettled(0, 10)).length;
  for (const deadline = Date.now() + 10_000; (await left()) > 0; await delay(10)) assert.ok(Date.now() < deadline);
  await reconciler.stop();
  assert.equal((await messages.read('d', orphan))?.state, 'failed');
  const expected = `UnreadableError: the record of message ${damaged} cannot be read: its created_at is no number`;
  assert.deepEqual([...new Set(told)], [expected]);
});
