import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
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
import { acceptMessage } from './accept-message.fixture.ts';
import { readBacklog } from './backlog.ts';

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

const accept = (deviceId: string, youngerMs = 0) => acceptMessage(redis, keys, deviceId, createdAt + youngerMs);

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
