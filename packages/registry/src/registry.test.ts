import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure, type MessageRecord, newMessageId } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { connectRedis } from './connect.ts';
import { createDevices } from './devices.ts';
import { createIdempotencyClaims } from './idempotency-claims.ts';
import { createKeys } from './keys.ts';
import { createLeases } from './leases.ts';
import { createMessageLists } from './message-lists.ts';
import { createMessages } from './messages.ts';
import { createPacing } from './pacing.ts';
import { createReachOutHolds } from './reach-out-holds.ts';
import { createWorkers, readOwners, WorkerIdTakenError } from './workers.ts';

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

const leasesOf = (workerId: string) => createLeases(redis, keys, { workerId, ttlMs: 60_000 });

async function createQueued(deviceId: string): Promise<MessageRecord> {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const now = Date.now();
  const record: MessageRecord = {
    message_id: newMessageId(),
    device_id: deviceId,
    phone: '628123456789@s.whatsapp.net',
    state: 'queued',
    attempts: 0,
    created_at: now,
    expires_at: now - 1,
  };
  await messages.create(record);
  return record;
}

test('a device is found by its id, its device JID and its bare JID', async () => {
  const devices = createDevices(redis, keys);
  await devices.create('d4');
  await assert.rejects(
    devices.create('d4'),
    (error: unknown) => error instanceof Failure && error.code === 'DEVICE_ALREADY_EXISTS',
  );
  const lease = await leasesOf('a').acquire('d4');
  assert.ok(lease);
  await devices.writeAccount('d4', lease.token, { jid: '628111:7@s.whatsapp.net', lid: '99:7@lid' });
  for (const name of ['d4', '628111:7@s.whatsapp.net', '628111@s.whatsapp.net']) {
    assert.equal((await devices.resolve(name))?.device_id, 'd4');
  }
  await devices.writeAccount('d4', lease.token, undefined);
  assert.equal(await devices.resolve('628111@s.whatsapp.net'), undefined);
  await devices.beginRemoval('d4', lease.token);
  assert.equal(await devices.resolve('d4'), undefined);
  assert.ok(!(await devices.ids()).includes('d4'));
});

test('a message is begun by its device’s owner only, and each attempt is counted', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const lease = await leasesOf('a').acquire('d5');
  assert.ok(lease);
  const { message_id: id } = await createQueued('d5');
  assert.equal(await messages.beginAttempt('d5', id, 'b#0'), 'lease_lost');
  assert.equal(await messages.beginAttempt('d5', id, lease.token), 'begun');
  assert.equal(await messages.beginAttempt('d5', id, lease.token), 'begun');
  assert.equal((await messages.get(id))?.attempts, 2);
  assert.ok(await messages.markSent('d5', id, 5));
  assert.equal(await messages.beginAttempt('d5', id, lease.token), 'sent');
  assert.equal(await messages.beginAttempt('d5', 'gone', lease.token), 'missing');
});

test('receipts only advance, and a settled message never changes its outcome', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const { message_id: id, created_at: created } = await createQueued('d6');
  await messages.markSent('d6', id, created + 5);
  assert.equal(await messages.markFailed('d6', id, new Failure('SEND_FAILED', 'no')), false);
  assert.ok(await messages.markReceipt('d6', id, { status: 'read', at: created + 7 }));
  assert.equal(await messages.markReceipt('d6', id, { status: 'delivered', at: created + 8 }), false);
  assert.deepEqual(await messages.get(id), {
    message_id: id,
    device_id: 'd6',
    phone: '628123456789@s.whatsapp.net',
    state: 'read',
    attempts: 0,
    created_at: created,
    expires_at: created - 1,
    sent_at: created + 5,
    read_at: created + 7,
  });
});

test('a receipt that overtakes the ack takes effect with it', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const { message_id: id, created_at: created } = await createQueued('d10');
  await redis.set(keys.device('d10').lastHolder, 'w#1');
  await messages.beginAttempt('d10', id, 'w#1');
  assert.equal(await messages.markReceipt('d10', id, { status: 'delivered', at: created + 4 }), false);
  assert.equal((await messages.get(id))?.state, 'sending');
  assert.ok(await messages.markSent('d10', id, created + 5));
  const record = await messages.get(id);
  assert.deepEqual([record?.state, record?.sent_at, record?.delivered_at], ['delivered', created + 4, created + 4]);
});

test('a message that a phone has told of neither fails nor is cancelled nor sent again', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  await redis.set(keys.device('d15').lastHolder, 'w#1');
  for (const end of ['fail', 'cancel'] as const) {
    const { message_id: id, created_at: created } = await createQueued('d15');
    if (end === 'fail') await messages.beginAttempt('d15', id, 'w#1');
    await messages.markReceipt('d15', id, { status: 'delivered', at: created + 1 });
    await messages.markReceipt('d15', id, { status: 'read', at: created + 2 });
    if (end === 'cancel') assert.equal(await messages.markCancelled('d15', id), 'read');
    else {
      assert.equal(await messages.beginAttempt('d15', id, 'w#1', { unlessProved: true }), 'proved');
      assert.equal(await messages.markFailed('d15', id, new Failure('ACK_TIMEOUT', 'no ack')), false);
    }
    const record = await messages.get(id);
    assert.deepEqual(
      [record?.state, record?.sent_at, record?.delivered_at, record?.error],
      ['read', created + 1, created + 1, undefined],
    );
  }
});

test('a failure with unknown delivery ends by a receipt, as sent too', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const { message_id: id, created_at: created } = await createQueued('d16');
  await messages.markFailed('d16', id, new Failure('ACK_TIMEOUT', 'no ack'));
  assert.ok(await messages.markReceipt('d16', id, { status: 'delivered', at: created + 3 }));
  const record = await messages.get(id);
  assert.deepEqual(
    [record?.state, record?.sent_at, record?.delivered_at, record?.error],
    ['delivered', created + 3, created + 3, undefined],
  );
});

test('WhatsApp’s whole seconds never put a time before what came before it', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const { message_id: id, created_at: created } = await createQueued('d17');
  await messages.markSent('d17', id, created - 900);
  await messages.markReceipt('d17', id, { status: 'delivered', at: created - 800 });
  await messages.markReceipt('d17', id, { status: 'read', at: created + 100 });
  const record = await messages.get(id);
  assert.deepEqual([record?.sent_at, record?.delivered_at, record?.read_at], [created, created, created + 100]);
  const { message_id: noted } = await createQueued('d17');
  await messages.markReceipt('d17', noted, { status: 'delivered', at: 1 });
  assert.ok(((await messages.get(noted))?.delivered_at ?? 0) >= created);
});

test('only a failure with unknown delivery can still become sent', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const { message_id: known } = await createQueued('d7');
  await messages.markFailed('d7', known, new Failure('SEND_FAILED', 'refused', { details: { reason: 479 } }));
  assert.equal(await messages.markSent('d7', known, 5), false);
  assert.deepEqual((await messages.get(known))?.error, {
    code: 'SEND_FAILED',
    message: 'refused',
    details: { reason: 479 },
  });
  const { message_id: unknown } = await createQueued('d7');
  await messages.markFailed('d7', unknown, new Failure('ACK_TIMEOUT', 'no ack'));
  assert.ok(await messages.markSent('d7', unknown, 5));
  const record = await messages.get(unknown);
  assert.equal(record?.state, 'sent');
  assert.equal(record.error, undefined);
});

test('a message past its deadline is listed until it is forgotten', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const { message_id: id } = await createQueued('d8');
  const listed = async () =>
    (await messages.claimDue({ limit: 1000, againMs: 0 })).some((entry) => entry.messageId === id);
  assert.ok(await listed());
  await messages.forgetDeadline('d8', id);
  assert.equal(await listed(), false);
});

test('two processes under one worker id are told apart, and the one that lives is told to the other', async () => {
  const [first, second] = [createWorkers(redis, keys), createWorkers(redis, keys)];
  await first.beat('same', 60_000, true);
  await assert.rejects(second.beat('same', 60_000), WorkerIdTakenError);
  await assert.rejects(second.leave('same'), WorkerIdTakenError);
  assert.deepEqual((await first.beat('same', 60_000, true)).connected, ['same']);
  await first.leave('same');
  assert.deepEqual(await second.beat('same', 60_000), { all: ['same'], connected: [] });
  await second.leave('same');
});

test('a worker lives from beat to beat, and is forgotten when it leaves or falls silent', async () => {
  const workers = createWorkers(redis, keys);
  assert.deepEqual((await workers.beat('w2', 60_000)).all, ['w2']);
  assert.deepEqual((await workers.beat('w1', 60_000)).all, ['w1', 'w2']);
  await workers.beat('brief', 1);
  let live = (await workers.beat('w1', 60_000)).all;
  for (const deadline = Date.now() + 2000; live.length > 2 && Date.now() < deadline; ) {
    live = (await workers.beat('w1', 60_000)).all;
  }
  assert.deepEqual(live, ['w1', 'w2']);
  assert.deepEqual((await workers.leave('w2')).all, ['w1']);
});

test('the owners of many devices are read at once', async () => {
  assert.ok(await leasesOf('a').acquire('d9'));
  assert.deepEqual(await readOwners(redis, keys, ['d9', 'nobody']), ['a', undefined]);
});

test('in a group each participant is counted once', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const { message_id: id } = await createQueued('d10');
  await messages.markSent('d10', id, 1);
  for (const participant of ['1@lid', '2@lid', '1@lid']) {
    await messages.markReceipt('d10', id, { status: 'delivered', participant, at: 2 });
  }
  await messages.markReceipt('d10', id, { status: 'read', participant: '2@lid', at: 3 });
  const record = await messages.get(id);
  assert.deepEqual([record?.state, record?.delivered_count, record?.read_count], ['read', 2, 1]);
});

test('only a queued message can be cancelled', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const lease = await leasesOf('a').acquire('d11');
  const { message_id: id } = await createQueued('d11');
  const answers = await Promise.all([messages.markCancelled('d11', id), messages.markCancelled('d11', id)]);
  assert.deepEqual(answers.toSorted(), ['cancelled', 'changed']);
  assert.equal(await messages.beginAttempt('d11', id, lease?.token ?? ''), 'cancelled');
  const { message_id: sending } = await createQueued('d11');
  await messages.beginAttempt('d11', sending, lease?.token ?? '');
  assert.equal(await messages.markCancelled('d11', sending), 'sending');
  assert.equal(await messages.markCancelled('d11', 'gone'), 'missing');
});

test('a record is written once, and lists page through a device’s messages, newest first', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const lists = createMessageLists(redis, keys);
  const created = [];
  for (let n = 0; n < 5; n += 1) created.push(await createQueued('d12'));
  const [first] = created;
  assert.ok(first);
  await messages.markSent('d12', first.message_id, 1);
  await messages.create(first);
  assert.equal((await messages.get(first.message_id))?.state, 'sent');
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await lists.page(['d12', 'nobody'], { limit: 2, cursor });
    seen.push(...page.messages.map((message) => message.message_id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.deepEqual(seen.toSorted(), created.map((record) => record.message_id).toSorted());
  const sent = await lists.page(['d12'], { limit: 10, state: 'sent' });
  assert.deepEqual(
    sent.messages.map((message) => message.message_id),
    [first.message_id],
  );
});

test('an idempotency key belongs to the first message that claims it, per principal', async () => {
  const claims = createIdempotencyClaims(redis, keys, { ttlMs: 60_000 });
  const mine = { messageId: 'm1', deviceId: 'd', fingerprint: 'f1' };
  assert.deepEqual(await claims.claim('alice', 'key', mine), { ...mine, isNew: true, isLapsed: false });
  assert.deepEqual(await claims.claim('alice', 'key', { ...mine, messageId: 'm2' }), {
    ...mine,
    isNew: false,
    isLapsed: false,
  });
  assert.equal((await claims.claim('bob', 'key', { ...mine, messageId: 'm3' })).isNew, true);
  assert.equal((await claims.find('alice', 'key'))?.messageId, 'm1');
});

test('a paced device sends its number within a window and then learns how long to wait', async () => {
  const pacing = createPacing(redis, keys);
  const pace = { max: 2, window_ms: 60_000 };
  assert.deepEqual([await pacing.ask('d13', pace), await pacing.ask('d13', pace)], [0, 0]);
  const wait = await pacing.ask('d13', pace);
  assert.ok(wait > 50_000 && wait <= 60_000);
  assert.equal(await pacing.ask('d13', { max: 0, window_ms: 1 }), 0);
});

test('a held device knows the chats it wrote to', async () => {
  const holds = createReachOutHolds(redis, keys);
  assert.equal(await holds.heldFor('d14'), 0);
  await holds.hold('d14', 60_000);
  assert.ok((await holds.heldFor('d14')) > 50_000);
  await holds.remember('d14', '1@lid');
  assert.deepEqual([await holds.knows('d14', '1@lid'), await holds.knows('d14', '2@lid')], [true, false]);
});
