import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure, type MessageRecord, newMessageId } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { connectRedis } from './connect.ts';
import { createFailedJobs } from './failed-jobs.ts';
import { writeFenced } from './fenced.ts';
import { createKeys } from './keys.ts';
import { createLanePauses } from './lane-pauses.ts';
import { createLeases } from './leases.ts';
import { createMessages } from './messages.ts';
import { createPacing } from './pacing.ts';
import { createReachOutHolds } from './reach-out-holds.ts';
import { toDrainingKeys } from './script.ts';
import { createWorkers } from './workers.ts';

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

const toRecord = (): MessageRecord => ({
  message_id: newMessageId(),
  device_id: 'd',
  phone: '1@lid',
  state: 'queued',
  attempts: 0,
  created_at: Date.now(),
  expires_at: Date.now() + 60_000,
});

test('a Redis that has reached maxmemory takes nothing in, and lets everything end', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const leases = createLeases(redis, keys, { workerId: 'w', ttlMs: 60_000 });
  const [sent, failed, cancelled] = [toRecord(), toRecord(), toRecord()];
  for (const record of [sent, failed, cancelled]) await messages.create(record);
  await redis.hset(keys.device('d').record, 'created_at', 1);
  await redis.config('SET', 'maxmemory', '1');
  await assert.rejects(redis.set('anything', '1'), /OOM/);
  await assert.rejects(messages.create(toRecord()), /OOM/);

  const lease = await leases.acquire('d');
  assert.ok(lease);
  assert.equal(await leases.renew(lease), 'renewed');
  assert.equal(await messages.beginAttempt('d', sent.message_id, lease.token), 'begun');
  assert.equal(await messages.markSent('d', sent.message_id, 1), true);
  assert.equal(
    await messages.markReceipt('d', sent.message_id, { status: 'delivered', at: 2, participant: 'p' }),
    true,
  );
  assert.equal(await messages.markFailed('d', failed.message_id, new Failure('SEND_FAILED', 'refused')), true);
  assert.equal(await messages.markCancelled('d', cancelled.message_id), 'changed');
  for (const { message_id } of [sent, failed, cancelled]) await messages.forgetDeadline('d', message_id);
  assert.equal(await redis.zcard(keys.deadlines), 0);
  const { credentials, lastHolder } = keys.device('d');
  await writeFenced(redis, lastHolder, lease.token, [{ command: 'HSET', key: credentials, fields: [['creds', 'x']] }]);
  assert.equal(await createPacing(redis, keys).ask('d', { max: 1, window_ms: 60_000 }), 0);
  const holds = createReachOutHolds(redis, keys);
  await holds.remember('d', 'somebody');
  await holds.hold('d', 60_000);
  assert.deepEqual([await holds.knows('d', 'somebody'), (await holds.heldFor('d')) > 0], [true, true]);
  const job = { message_id: failed.message_id, device_id: 'd' } as Parameters<
    ReturnType<typeof createFailedJobs>['keep']
  >[0];
  const failedJobs = createFailedJobs(redis, keys, { ttlMs: 60_000 });
  await failedJobs.keep(job);
  assert.equal(await failedJobs.isKept('d', failed.message_id), true);
  assert.ok(await createLanePauses(redis, keys).pause('d'));
  assert.deepEqual((await createWorkers(redis, keys).beat('w', 60_000)).all, ['w']);
  await leases.release(lease);
});

test('what a draining script deletes first is in the slot of its first key, and is nobody’s', () => {
  assert.deepEqual(toDrainingKeys(['test:{d}:lease', 'b']), ['test:{d}:lease', 'b', 'test:{d}:lease:never-there']);
  assert.deepEqual(toDrainingKeys(['test:workers']), ['test:workers', '{test:workers}:never-there']);
});
