import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newMessageId } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import type { Redis } from 'ioredis';
import { connectRedis } from './connect.ts';
import { createDevices } from './devices.ts';
import { createKeys } from './keys.ts';
import { createMessageLists } from './message-lists.ts';
import { createMessages } from './messages.ts';
import { UnreadableError } from './unreadable.ts';

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

/** A message of the device; answers its id. */
async function createQueued(device_id: string): Promise<string> {
  const [message_id, now] = [newMessageId(), Date.now()];
  const record = { message_id, device_id, phone: '628123456789@s.whatsapp.net', state: 'queued', attempts: 0 } as const;
  await createMessages(redis, keys, { recordTtlMs: 60_000 }).create({ ...record, created_at: now, expires_at: now });
  return message_id;
}

test('lists leave out what cannot be read, and tell of it', async () => {
  const told: unknown[] = [];
  const onUnreadable = (error: unknown) => told.push(error);
  const devices = createDevices(redis, keys, { onUnreadable });
  for (const id of ['bad-hash', 'bad-json', 'fine']) await devices.create(id);
  await redis.set(keys.device('bad-hash').record, 'no hash');
  await redis.hset(keys.device('bad-json').record, 'connection', '{"state":');
  const listed = (await devices.list()).map(({ device_id }) => device_id);
  assert.deepEqual(
    ['bad-hash', 'bad-json', 'fine'].filter((id) => listed.includes(id)),
    ['fine'],
  );
  assert.equal(told.length, 2);

  const [first, second, third] = [await createQueued('fine'), await createQueued('fine'), await createQueued('fine')];
  await redis.set(keys.device('fine').message(first), 'no hash');
  await redis.hset(keys.device('fine').message(second), 'expires_at', 'some day');
  const { messages } = await createMessageLists(redis, keys, { onUnreadable }).page(['fine'], { limit: 10 });
  assert.deepEqual(
    messages.map(({ message_id }) => message_id),
    [third],
  );
  assert.equal(told.length, 4);
});

test('a device whose connection cannot be read is had by its next owner, which writes it anew', async () => {
  const told: unknown[] = [];
  const devices = createDevices(redis, keys, { onUnreadable: (error) => told.push(error) });
  await devices.create('broken');
  await redis.hset(keys.device('broken').record, 'connection', 'null', 'pace', '{', 'jid', '62800:1@s.whatsapp.net');
  await assert.rejects(devices.get('broken'), UnreadableError);
  const found = await devices.findOwnable('broken');
  assert.deepEqual([found?.device.jid, found?.device.connection.state], ['62800:1@s.whatsapp.net', 'unpaired']);
  assert.match(String(told), /connection and pace of device broken cannot be read/);
  assert.ok(await devices.get('broken'));
});
