import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure, newMessageId, type SendImageJob } from '@postern/contract';
import { type LocalRedis, startLocalRedis } from '@postern/local-redis';
import { connectRedis, createKeys, createLeases, createMessages, type Messages } from '@postern/registry';
import { createLogger, monotonicMs } from '@postern/runtime';
import type { Redis } from 'ioredis';
import type { Session } from '../whatsapp/whatsapp.ts';
import { ChatOrder, type Turn } from './chat-order.ts';
import { createSession, prepared } from './scripted-session.fixture.ts';
import { type SendOptions, sendMessage } from './send-message.ts';
import { UploadCache } from './upload-cache.ts';

const JID = '628123456789@s.whatsapp.net';
const keys = createKeys('test');
let server: LocalRedis;
let redis: Redis;
let messages: Messages;
let leaseToken: string;

before(async () => {
  server = await startLocalRedis();
  redis = await connectRedis({ url: server.url, name: 'test', profile: 'patient', onError: () => {} });
  messages = createMessages(redis, keys, { recordTtlMs: 60_000 });
  leaseToken = (await createLeases(redis, keys, { workerId: 'w', ttlMs: 600_000 }).acquire('d'))?.token ?? '';
});
after(async () => {
  redis.disconnect();
  await server.stop();
});

async function accept(expiresInMs = 60_000): Promise<SendImageJob> {
  const now = Date.now();
  const message_id = newMessageId();
  const expires_at = now + expiresInMs;
  const record = { message_id, device_id: 'd', phone: JID, attempts: 0, created_at: now, expires_at };
  await messages.create({ ...record, state: 'queued' });
  return {
    message_id,
    device_id: 'd',
    recipient: { kind: 'person', jid: JID },
    image: { source: 'url', url: 'http://example.com/a.jpg' },
    caption: '',
    view_once: false,
    compress: false,
    hd: false,
    is_forwarded: false,
    mentions: [],
    accepted_at: now,
    expires_at,
    request_id: 'r',
    reply_to: 'g',
  };
}

function toOptions(session: Session, more: Partial<SendOptions> = {}): SendOptions {
  return {
    messages,
    leaseToken,
    clock: monotonicMs,
    session: async () => session,
    prepare: async () => prepared,
    uploads: new UploadCache({ reuseMs: 60_000, onUpload: () => {} }),
    gate: async () => {},
    stage: (_, run) => run(),
    lendSlot: (work) => work(),
    maxAttempts: 3,
    budgetMs: 60_000,
    backoffBaseMs: 1,
    backoffMaxMs: 2,
    storeRetryMs: 1,
    signal: new AbortController().signal,
    logger: createLogger({ name: 'test', level: 'silent' }),
    ...more,
  };
}

const inHand = async (job: SendImageJob, turn: Turn) => ({
  job,
  record: await messages.get(job.message_id),
  turn,
  takenAt: Date.now(),
});
const run = async (job: SendImageJob, options: SendOptions) =>
  sendMessage(await inHand(job, new ChatOrder().take(JID)), options);
const ackTimeout = () => new Failure('ACK_TIMEOUT', 'no ack');

test('a lost ack ends in a resend with the same id and the same upload', async () => {
  const job = await accept();
  const { session, sent, uploads } = createSession([ackTimeout(), 'acked']);
  const outcome = await run(job, toOptions(session));
  assert.deepEqual(outcome, {
    type: 'sent',
    acknowledgedAt: 42,
    sha256Sent: 's',
    sha256Uploaded: 'u',
    attempts: 2,
    notes: ['turned'],
  });
  assert.deepEqual(
    sent.map((message) => message.messageId),
    [job.message_id, job.message_id],
  );
  assert.equal(uploads.length, 1);
  const record = await messages.get(job.message_id);
  assert.deepEqual([record?.attempts, record?.notes], [2, ['turned']]);
});

test('a refusal that cannot be retried takes exactly one attempt', async () => {
  const job = await accept();
  const { session, sent } = createSession([
    new Failure('WA_REACHOUT_TIMELOCK', 'no new chats', { details: { reason: 463 } }),
  ]);
  const outcome = await run(job, toOptions(session));
  assert.equal(outcome.type === 'failed' && outcome.failure.code, 'WA_REACHOUT_TIMELOCK');
  assert.equal(sent.length, 1);
});

test('attempts end at their limit, counted across a crash', async () => {
  const job = await accept();
  const first = createSession([ackTimeout()]);
  // The process died after two attempts.
  await messages.beginAttempt('d', job.message_id, leaseToken);
  await messages.beginAttempt('d', job.message_id, leaseToken);
  const outcome = await run(job, toOptions(first.session));
  assert.equal(outcome.type === 'failed' && outcome.failure.code, 'ACK_TIMEOUT');
  assert.equal(first.sent.length, 1);
});

test('a message relayed before the device went away for good has unknown delivery', async () => {
  const job = await accept();
  const { session } = createSession([new Failure('DEVICE_NOT_CONNECTED', 'socket closed')]);
  let asked = 0;
  const outcome = await run(
    job,
    toOptions(session, {
      session: async () => {
        asked += 1;
        if (asked > 1) throw new Failure('DEVICE_NOT_CONNECTED', 'offline too long', { retryable: false });
        return session;
      },
    }),
  );
  assert.equal(outcome.type === 'failed' && outcome.failure.code, 'ACK_TIMEOUT');
});

test('a message whose upload fails is retried, counted, and never relayed', async () => {
  const job = await accept();
  const { session, sent } = createSession([]);
  session.upload = () => Promise.reject(new Failure('UPLOAD_MEDIA_ERROR', 'refused'));
  const outcome = await run(job, toOptions(session));
  assert.deepEqual(outcome.type === 'failed' && [outcome.failure.code, outcome.attempts], ['UPLOAD_MEDIA_ERROR', 3]);
  assert.equal(sent.length, 0);
  const record = await messages.get(job.message_id);
  assert.deepEqual([record?.state, record?.attempts], ['queued', 3]);
});

const isAway = () => Promise.reject(new Failure('STORAGE_UNAVAILABLE', 'not mounted'));

test('a blob store that is away uses up neither attempts nor the budget', async () => {
  let looks = 0;
  const prepare = () => ((looks += 1) < 10 ? isAway() : Promise.resolve(prepared));
  const options = toOptions(createSession(['acked']).session, { prepare, budgetMs: 0, maxAttempts: 1 });
  const outcome = await run(await accept(), options);
  assert.equal(outcome.type === 'sent' && outcome.attempts, 1);
});

test('a message waits for a blob store that is away no longer than its ttl', async () => {
  const outcome = await run(await accept(50), toOptions(createSession([]).session, { prepare: isAway }));
  assert.deepEqual(outcome.type === 'failed' && [outcome.failure.code, outcome.attempts], ['EXPIRED', 0]);
});

for (const [state, code] of Object.entries({ queued: 'EXPIRED', sending: 'ACK_TIMEOUT' })) {
  test(`a message found ${state} past its ttl is not sent, and ends as ${code}`, async () => {
    const job = await accept(-1);
    if (state === 'sending') await messages.beginAttempt('d', job.message_id, leaseToken);
    const { session, sent } = createSession([]);
    const outcome = await run(job, toOptions(session));
    assert.deepEqual([outcome.type === 'failed' && outcome.failure.code, sent.length], [code, 0]);
  });
}

for (const [state, expected] of [
  ['cancelled', { type: 'dropped', reason: 'settled' }],
  ['sent', { type: 'proved', attempts: 0 }],
] as const) {
  test(`a message that is ${state} already is not sent`, async () => {
    const job = await accept();
    if (state === 'sent') await messages.markSent('d', job.message_id, 1);
    else await messages.markCancelled('d', job.message_id);
    const { session, sent } = createSession([]);
    assert.deepEqual(await run(job, toOptions(session)), expected);
    assert.equal(sent.length, 0);
  });
}

test('a receipt that comes while the next attempt waits stops it', async () => {
  const job = await accept();
  const { session } = createSession([]);
  let relays = 0;
  session.send = async (_, onRelayed) => {
    relays += 1;
    onRelayed();
    await messages.markReceipt('d', job.message_id, { status: 'read', at: 7 });
    throw ackTimeout();
  };
  assert.deepEqual(await run(job, toOptions(session)), { type: 'proved', attempts: 1 });
  assert.equal(relays, 1);
});

test('a message that a dead owner relayed is sent again although a phone has told of it', async () => {
  const job = await accept();
  await messages.beginAttempt('d', job.message_id, leaseToken);
  await messages.markReceipt('d', job.message_id, { status: 'delivered', at: 7 });
  const { session, sent } = createSession(['acked']);
  assert.equal((await run(job, toOptions(session))).type, 'sent');
  assert.equal(sent.length, 1);
});

test('a former owner begins nothing', async () => {
  const job = await accept();
  const { session, sent } = createSession([]);
  const outcome = await run(job, toOptions(session, { leaseToken: 'w#0', maxAttempts: 1, budgetMs: 0 }));
  assert.equal(outcome.type, 'failed');
  assert.equal(sent.length, 0);
});

test('a message not begun when the device is let go is released for its next owner', async () => {
  const job = await accept();
  const releasing = new AbortController();
  const { session, sent } = createSession([]);
  const options = toOptions(session, {
    signal: releasing.signal,
    session: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        releasing.abort(new Error('stopping'));
      }),
  });
  const running = run(job, options);
  assert.deepEqual(await running, { type: 'released' });
  assert.equal(sent.length, 0);
  assert.equal((await messages.get(job.message_id))?.state, 'queued');
});

test('a message that waits for its pace does not outwait the session that it would go over', async () => {
  const job = await accept();
  const { session, sent } = createSession([]);
  const ending = new AbortController();
  let asked = 0;
  const options = toOptions(
    { ...session, signal: ending.signal },
    {
      session: async () => {
        asked += 1;
        if (asked > 1) throw new Failure('DEVICE_DELETED', 'removed', { retryable: false });
        return { ...session, signal: ending.signal };
      },
      gate: (_, aborted) =>
        new Promise((_resolve, reject) => {
          aborted.addEventListener('abort', () => reject(aborted.reason));
          ending.abort(new Failure('DEVICE_NOT_CONNECTED', 'logged out'));
        }),
    },
  );
  const outcome = await run(job, options);
  assert.equal(outcome.type === 'failed' && outcome.failure.code, 'DEVICE_DELETED');
  assert.equal(sent.length, 0);
});

test('messages of one chat are relayed in their order although the first takes longest to prepare', async () => {
  const order = new ChatOrder();
  const jobs = [await accept(), await accept(), await accept()];
  const { session, sent } = createSession([]);
  const { promise: slow, resolve: release } = Promise.withResolvers<void>();
  const turns = jobs.map(() => order.take(JID));
  const running = jobs.map(async (job, index) => {
    const prepare = async () => {
      if (index === 0) await slow;
      else release();
      return prepared;
    };
    return sendMessage(await inHand(job, turns[index] ?? order.take(JID)), toOptions(session, { prepare }));
  });
  await Promise.all(running);
  assert.deepEqual(
    sent.map((message) => message.messageId),
    jobs.map((job) => job.message_id),
  );
});

test('an earlier upload is sent again, and a refusal of it ends in a fresh one', async () => {
  const refused = new Failure('SEND_FAILED', 'refused', { details: { reason: 500 } });
  const { session, uploads } = createSession(['acked', 'acked', refused, 'acked']);
  const options = toOptions(session);
  for (const expected of [1, 1, 2]) {
    assert.equal((await run(await accept(), options)).type, 'sent');
    assert.equal(uploads.length, expected);
  }
});
