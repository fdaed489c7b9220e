import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure, newMessageId, type SendImageJob } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys, createMessages, createQuarantine } from '@postern/registry';
import { createLogger } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { isSuspect, preparePossiblePoison } from './poison-pictures.ts';

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

async function createMessage() {
  const messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  const now = Date.now();
  const job: SendImageJob = {
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
    accepted_at: now,
    expires_at: now + 60_000,
    request_id: 'r',
    reply_to: 'g',
  };
  const { message_id, device_id, expires_at, recipient } = job;
  await messages.create({
    message_id,
    device_id,
    phone: recipient.jid,
    state: 'queued',
    attempts: 0,
    created_at: now,
    expires_at,
  });
  return { job, messages };
}

const reasonOf = (preparing: Promise<unknown>) =>
  preparing.then(
    () => 'prepared',
    (error: unknown) => (error instanceof Failure ? error.details['reason'] : String(error)),
  );

test('only a message that is still queued at its second start is suspected', () => {
  assert.equal(isSuspect({ state: 'queued', starts: 2 }), true);
  assert.equal(isSuspect({ state: 'queued', starts: 1 }), false);
  assert.equal(isSuspect({ state: 'sending', starts: 2 }), false);
  assert.equal(isSuspect(undefined), false);
});

test('a picture whose worker died with its image process each time is quarantined at the fourth', async () => {
  const { job, messages } = await createMessage();
  let quarantined = 0;
  let begun = () => {};
  const prepare = (sha256: string, how: () => Promise<never>) =>
    preparePossiblePoison({ job, sha256, suspect: true }, how, {
      quarantine: createQuarantine(redis, keys),
      messages,
      onQuarantined: () => {
        quarantined += 1;
      },
      logger: createLogger({ name: 'test', level: 'silent' }),
    });
  // A worker that dies leaves a preparation that never ends.
  const die = () =>
    new Promise<never>(() => {
      begun();
    });
  for (let death = 1; death <= 3; death += 1) {
    const { promise, resolve } = Promise.withResolvers<void>();
    begun = resolve;
    void prepare('deadly', die);
    await promise;
  }
  assert.equal(quarantined, 0);
  assert.equal(await reasonOf(prepare('deadly', die)), 'killed_process');
  assert.equal(quarantined, 1);
  const other = await createMessage();
  const reason = await reasonOf(
    preparePossiblePoison({ job: other.job, sha256: 'deadly', suspect: false }, die, {
      quarantine: createQuarantine(redis, keys),
      messages: other.messages,
      onQuarantined: () => assert.fail('it is there already'),
      logger: createLogger({ name: 'test', level: 'silent' }),
    }),
  );
  assert.equal(reason, 'quarantined');
});
