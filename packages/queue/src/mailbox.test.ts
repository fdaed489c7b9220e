import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Mail } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { postMail, startMailbox } from './mailbox.ts';

let server: LocalRedis;
let redis: Redis;
const keys = createKeys('test');
const connect = () => connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });

before(async () => {
  server = await startLocalRedis();
  redis = await connect();
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

function collect(count: number) {
  const mails: Mail[] = [];
  const { promise: all, resolve: done } = Promise.withResolvers<void>();
  const onMail = (mail: Mail) => {
    mails.push(mail);
    if (mails.length === count) done();
  };
  return { mails, all, onMail };
}

test('mail arrives in order, only at its addressee, and survives a cut of the connection', async () => {
  const { mails, all, onMail } = collect(3);
  const reader = await connect();
  const box = await startMailbox({ redis: reader, keys, processId: 'gateway-1', onMail, onError: () => {} });
  await postMail(redis, keys, 'gateway-1', { type: 'message_settled', message_id: 'a' });
  await postMail(redis, keys, 'gateway-2', { type: 'message_settled', message_id: 'x' });
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await postMail(redis, keys, 'gateway-1', { type: 'message_settled', message_id: 'b' });
  await postMail(redis, keys, 'gateway-1', { type: 'message_settled', message_id: 'c' });
  await all;
  assert.deepEqual(
    mails.map((mail) => mail.type === 'message_settled' && mail.message_id),
    ['a', 'b', 'c'],
  );
  await box.stop();
});

test('a letter that does not parse is reported and the next one still arrives', async () => {
  const { mails, all, onMail } = collect(1);
  const errors: unknown[] = [];
  const reader = await connect();
  const box = await startMailbox({
    redis: reader,
    keys,
    processId: 'gateway-3',
    onMail,
    onError: (error) => errors.push(error),
  });
  await redis.xadd(keys.mailbox('gateway-3'), '*', 'mail', '{"type":"unheard_of"}');
  await postMail(redis, keys, 'gateway-3', { type: 'message_settled', message_id: 'a' });
  await all;
  assert.equal(mails.length, 1);
  assert.equal(errors.length, 1);
  await box.stop();
});

test('stopping does not wait for a Redis that is away', async () => {
  const doomed = await startLocalRedis();
  const reader = await connectRedis({ url: doomed.url, name: 'test', profile: 'patient', onError: () => {} });
  const box = await startMailbox({ redis: reader, keys, processId: 'worker-1', onMail: () => {}, onError: () => {} });
  const away = new Promise((resolve) => reader.once('reconnecting', resolve));
  process.kill(doomed.pid, 'SIGKILL');
  await away;
  const startedAt = performance.now();
  await box.stop();
  assert.ok(performance.now() - startedAt < 500);
  await doomed.stop();
});
