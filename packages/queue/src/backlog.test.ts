import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newMessageId } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import {
  connectRedis,
  createDevices,
  createKeys,
  createLanePauses,
  createLeases,
  createMessages,
} from '@postern/registry';
import type { Redis } from 'ioredis';
import { readBacklog } from './backlog.ts';
import { createProducer } from './producer.ts';

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

const createdAt = Date.now() - 60_000;

/** Puts a message into the device's lane, accepted a minute ago; later ones are younger. */
async function accept(deviceId: string, youngerMs = 0): Promise<string> {
  const [message_id, created_at] = [newMessageId(), createdAt + youngerMs];
  const expires_at = created_at + 3_600_000;
  const phone = '628123456789@s.whatsapp.net';
  const record = { message_id, device_id: deviceId, phone, state: 'queued' as const, attempts: 0 };
  await createMessages(redis, keys, { recordTtlMs: 60_000 }).create({ ...record, created_at, expires_at });
  const producer = createProducer({ redis, keys });
  await producer.enqueue({
    message_id,
    device_id: deviceId,
    recipient: { kind: 'person', jid: phone },
    image: { source: 'url', url: 'http://example.com/a.jpg' },
    caption: '',
    view_once: false,
    compress: false,
    hd: false,
    is_forwarded: false,
    mentions: [],
    accepted_at: created_at,
    expires_at,
    request_id: 'r',
    reply_to: 'g',
  });
  await producer.stop();
  return message_id;
}

test('only lanes with unsettled messages are looked at, each with its oldest one and whether it is owned', async () => {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const devices = createDevices(redis, keys);
  await Promise.all(['idle', 'busy', 'alone'].map((id) => devices.create(id)));
  assert.deepEqual(await readBacklog(redis, keys), []);

  const [first] = [await accept('busy'), await accept('busy', 1000)];
  await accept('alone');
  const lease = await createLeases(redis, keys, { workerId: 'w', ttlMs: 60_000 }).acquire('busy');
  await devices.writeConnection('busy', lease?.token ?? '', { state: 'connected', since: 1 });
  await createLanePauses(redis, keys).pause('busy');
  const found = (await readBacklog(redis, keys)).toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
  assert.deepEqual(found, [
    {
      deviceId: 'alone',
      isOwned: false,
      isPaused: false,
      isConnected: false,
      waiting: 1,
      active: 0,
      oldestAt: createdAt,
    },
    { deviceId: 'busy', isOwned: true, isPaused: true, isConnected: true, waiting: 2, active: 0, oldestAt: createdAt },
  ]);

  // The count follows each message once, however often it is said to have settled.
  await messages.forgetDeadline('busy', first);
  await messages.forgetDeadline('busy', first);
  assert.equal(await redis.hget(keys.unsettled, 'busy'), '1');
  for (const { deviceId, messageId } of await messages.unsettled(0, 10))
    await messages.forgetDeadline(deviceId, messageId);
  assert.deepEqual(await readBacklog(redis, keys), []);
  assert.equal(await redis.exists(keys.unsettled), 0);
});
