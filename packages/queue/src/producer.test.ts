import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newMessageId } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { connectRedis, createDevices, createKeys, createMessages } from '@postern/registry';
import type { Redis } from 'ioredis';
import { registerDevice } from './accept-message.fixture.ts';
import { jobFor } from './job.fixture.ts';
import { openLaneQueue, removeJob, toLaneKeys } from './lane-queue.ts';
import { createProducer, readDepths } from './producer.ts';

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

test('an accepted job is what BullMQ itself would have added, beside its message’s record', async (t) => {
  await registerDevice(redis, keys, 'accepted');
  const job = jobFor('accepted');
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  assert.deepEqual(await producer.accept(job, 1), { outcome: 'accepted', waiting: 0 });
  const queue = await openLaneQueue(redis, keys, 'accepted');
  t.after(() => queue.close());
  const { wait, marker, jobPrefix } = toLaneKeys(keys, 'accepted');
  const ours = await redis.hgetall(jobPrefix + job.message_id);
  const theirs = await queue.add('send-image', job, { jobId: newMessageId() });
  const { timestamp, opts, ...rest } = await redis.hgetall(jobPrefix + theirs.id);
  assert.deepEqual(ours, { ...rest, timestamp: ours['timestamp'], opts: ours['opts'] });
  assert.deepEqual(JSON.parse(ours['opts'] ?? ''), { ...JSON.parse(opts ?? ''), jobId: job.message_id });
  assert.ok(Math.abs(Number(timestamp) - Number(ours['timestamp'])) < 10_000);
  assert.deepEqual(await redis.lrange(wait, 0, -1), [theirs.id, job.message_id]);
  assert.deepEqual(await redis.zrange(marker, '0', '-1', 'WITHSCORES'), ['0', '0']);
  const record = await createMessages(redis, keys, { recordTtlMs: 60_000 }).read('accepted', job.message_id);
  assert.deepEqual([record?.state, record?.phone], ['queued', job.recipient.jid]);
});

test('a lane takes no more than its limit, and accepting a message again adds nothing', async () => {
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  await registerDevice(redis, keys, 'limit');
  const [first, second] = [jobFor('limit'), jobFor('limit')];
  await Promise.all([producer.announce(first), producer.announce(second)]);
  assert.equal((await producer.accept(first, 1)).outcome, 'accepted');
  assert.deepEqual(await producer.accept(second, 1), { outcome: 'full', waiting: 1 });
  assert.equal(await messages.read('limit', second.message_id), undefined);
  assert.equal((await producer.accept(first, 1)).outcome, 'accepted');
  assert.deepEqual(await readDepths(redis, keys, ['limit']), [1]);
  await messages.markCancelled('limit', first.message_id);
  await removeJob(redis, keys, 'limit', first.message_id);
  await producer.accept(first);
  assert.deepEqual(await readDepths(redis, keys, ['limit']), [0]);
});

test('nothing is accepted for a device that is not there, is being removed, or is another of the same id', async () => {
  const producer = createProducer(redis, keys, { recordTtlMs: 60_000 });
  const devices = createDevices(redis, keys);
  const job = jobFor('gone');
  const refuse = async () => {
    assert.deepEqual(await producer.accept(job), { outcome: 'gone', waiting: 0 });
    const found = await redis.keys('test:{gone}:*');
    assert.deepEqual(
      found.filter((key) => /lane|message/.test(key)),
      [],
    );
  };
  await refuse();
  const { created_at: createdAt } = await devices.create('gone');
  await devices.beginRemoval('gone', 'w#1');
  await refuse();
  await devices.finishRemoval('gone', 'w#1');
  await devices.create('gone');
  job.device_created_at = createdAt - 1;
  await refuse();
  delete job.device_created_at;
  assert.equal((await producer.accept(job)).outcome, 'accepted');
});
