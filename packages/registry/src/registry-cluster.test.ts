import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure, type MessageRecord, newMessageId } from '@postern/contract';
import { type LocalRedisCluster, startLocalRedisCluster } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { readSigningSecret } from './agreements.ts';
import { createBlobStoreAgreement } from './blob-store-agreement.ts';
import { connectRedis, disconnectRedis } from './connect.ts';
import { createDevices } from './devices.ts';
import { LeaseLostError, writeFenced } from './fenced.ts';
import { createIdempotencyClaims } from './idempotency-claims.ts';
import { createKeys } from './keys.ts';
import { createLeases } from './leases.ts';
import { createMessageLists } from './message-lists.ts';
import { createMessages } from './messages.ts';
import { createPacing } from './pacing.ts';
import { createReachOutHolds } from './reach-out-holds.ts';
import { scanKeys } from './scan-keys.ts';
import { createWorkers, readOwners } from './workers.ts';

let cluster: LocalRedisCluster;
let redis: Redis;
const keys = createKeys('test');
/** One device on each node. */
const devices: string[] = [];

before(async () => {
  cluster = await startLocalRedisCluster();
  redis = await connectRedis({ url: cluster.url, name: 'test', profile: 'patient', onError: () => {} });
  for (let n = 0; devices.filter((id) => id).length < 3; n += 1) {
    const id = `device-${n}`;
    devices[await cluster.nodeOf(keys.device(id).record)] = id;
  }
});
after(async () => {
  disconnectRedis(redis);
  await cluster.stop();
});

const leasesOf = (workerId: string) => createLeases(redis, keys, { workerId, ttlMs: 60_000 });

async function acquire(workerId: string, deviceId: string) {
  const lease = await leasesOf(workerId).acquire(deviceId);
  assert.ok(lease);
  return lease;
}

function toRecord(deviceId: string, createdAt: number): MessageRecord {
  return {
    message_id: newMessageId(),
    device_id: deviceId,
    phone: '628123456789@s.whatsapp.net',
    state: 'queued',
    attempts: 0,
    created_at: createdAt,
    expires_at: createdAt + 60_000,
  };
}

test('devices on every node: leases, their owners, and writes fenced by them', async () => {
  const held = await Promise.all(devices.map((id) => acquire('a', id)));
  assert.deepEqual(await readOwners(redis, keys, [...devices, 'nobody']), ['a', 'a', 'a', undefined]);
  for (const lease of held) {
    assert.equal(await leasesOf('b').acquire(lease.deviceId), undefined);
    assert.equal(await leasesOf('a').renew(lease), 'renewed');
    const device = keys.device(lease.deviceId);
    const write = () =>
      writeFenced(redis, device.lastHolder, lease.token, [
        { command: 'HSET', key: device.credentials, fields: [['creds', Buffer.from([0, 255])]] },
        { command: 'HSET', key: device.signalKeys('session'), fields: [['a', 'b']] },
        { command: 'DEL', key: device.qr },
        { command: 'SET', key: device.content('m'), value: 'content', ttlMs: 60_000 },
      ]);
    await write();
    assert.deepEqual(await redis.hgetBuffer(device.credentials, 'creds'), Buffer.from([0, 255]));
    await leasesOf('a').release(lease);
    const next = await acquire('b', lease.deviceId);
    await assert.rejects(write(), LeaseLostError);
    assert.equal(await leasesOf('a').renew(lease), 'lost');
    await leasesOf('b').release(next);
  }
});

test('messages of devices on every node: found by id, begun, ended, listed together and expired', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const now = Date.now();
  const records = [...devices, ...devices].map((id, index) => ({ ...toRecord(id, now + index), expires_at: now - 1 }));
  await Promise.all(records.map((record) => messages.create(record)));
  const page = await createMessageLists(redis, keys).page(devices, { limit: 4 });
  const newestFirst = records.toReversed().map((record) => record.message_id);
  assert.deepEqual(
    page.messages.map((message) => message.message_id),
    newestFirst.slice(0, 4),
  );
  const rest = await createMessageLists(redis, keys).page(devices, { limit: 4, cursor: page.cursor });
  assert.deepEqual(
    rest.messages.map((message) => message.message_id),
    newestFirst.slice(4),
  );
  for (const { device_id, message_id } of records.slice(0, 3)) {
    const lease = await acquire('a', device_id);
    assert.equal(await messages.beginAttempt(device_id, message_id, 'b#1'), 'lease_lost');
    assert.equal(await messages.beginAttempt(device_id, message_id, lease.token), 'begun');
    assert.ok(await messages.markSent(device_id, message_id, now));
    const receipt = { status: 'read', participant: 'p', at: now } as const;
    assert.ok(await messages.markReceipt(device_id, message_id, receipt));
    assert.equal((await messages.get(message_id))?.state, 'read');
    await messages.forgetDeadline(device_id, message_id);
    await leasesOf('a').release(lease);
  }
  const left = await messages.claimDue({ limit: 10, againMs: 60_000 });
  assert.deepEqual(
    left.map(({ messageId }) => messageId).toSorted(),
    records
      .slice(3)
      .map((record) => record.message_id)
      .toSorted(),
  );
  assert.deepEqual(await messages.claimDue({ limit: 10, againMs: 60_000 }), []);
  for (const { deviceId, messageId } of left) {
    assert.ok(await messages.markFailed(deviceId, messageId, new Failure('EXPIRED', 'too late')));
  }
});

test('devices on every node are registered, found by their accounts, and removed', async () => {
  const all = createDevices(redis, keys);
  for (const [index, id] of devices.entries()) {
    await all.create(id);
    const { token } = await acquire('a', id);
    await all.writeAccount(id, token, { jid: `62800000000${index}:3@s.whatsapp.net` });
    assert.equal((await all.resolve(`62800000000${index}@s.whatsapp.net`))?.device_id, id);
  }
  assert.equal((await all.list()).length, 3);
  await Promise.all(
    devices.map(async (id) => {
      await all.beginRemoval(id, 'a#9');
      await all.finishRemoval(id, 'a#9');
    }),
  );
  assert.deepEqual(await all.list(), []);
  assert.equal(await all.resolve('628000000001@s.whatsapp.net'), undefined);
});

test('what is global is one key at a time, wherever its slot is', async () => {
  const store = { identity: async () => 'store', claim: async (installation: string) => installation };
  await createBlobStoreAgreement(redis, keys, store).verify();
  const other = { ...store, identity: async () => 'other' };
  await assert.rejects(createBlobStoreAgreement(redis, keys, other).verify(), /does not share its blob store/);
  assert.equal(await readSigningSecret(redis, keys), await readSigningSecret(redis, keys));
  const workers = createWorkers(redis, keys);
  await workers.beat('a', 60_000);
  assert.deepEqual((await workers.beat('b', 60_000)).all, ['a', 'b']);
  const claims = createIdempotencyClaims(redis, keys, { ttlMs: 60_000 });
  const claim = { messageId: 'm', deviceId: 'd', fingerprint: 'f' };
  for (let n = 0; n < 6; n += 1) {
    assert.ok((await claims.claim('me', `key-${n}`, claim)).isNew);
    assert.equal((await claims.claim('me', `key-${n}`, claim)).isNew, false);
  }
  const pacing = createPacing(redis, keys);
  const holds = createReachOutHolds(redis, keys);
  for (const id of devices) {
    assert.equal(await pacing.ask(id, { max: 1, window_ms: 60_000 }), 0);
    assert.ok((await pacing.ask(id, { max: 1, window_ms: 60_000 })) > 0);
    await holds.remember(id, 'chat');
    assert.ok(await holds.knows(id, 'chat'));
  }
});

test('a scan finds keys on every node', async () => {
  for (const id of devices) await redis.set(keys.device(id).content('scanned'), '1');
  const found: string[] = [];
  for await (const batch of scanKeys(redis, '*:content:scanned')) found.push(...batch);
  assert.deepEqual(found.toSorted(), devices.map((id) => keys.device(id).content('scanned')).toSorted());
});
