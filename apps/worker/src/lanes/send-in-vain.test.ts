import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure, type MessageRecord, newMessageId, type SendImageJob } from '@postern/contract';
import { createLogger, monotonicMs } from '@postern/runtime';
import { ChatOrder } from './chat-order.ts';
import { type SendOptions, sendMessage } from './send-message.ts';
import { UploadCache } from './upload-cache.ts';

const now = Date.now();
const message = { message_id: newMessageId(), device_id: 'd', expires_at: now + 60_000 };
const job: SendImageJob = {
  ...message,
  recipient: { kind: 'person', jid: '628123456789@s.whatsapp.net' },
  image: { source: 'url', url: 'http://example.com/a.jpg' },
  caption: '',
  view_once: false,
  compress: false,
  hd: false,
  is_forwarded: false,
  mentions: [],
  accepted_at: now,
  request_id: 'r',
  reply_to: 'g',
};
const record: MessageRecord = { ...message, state: 'queued', phone: job.recipient.jid, attempts: 0, created_at: now };

/** Every attempt fails so after a minute, in which the clock stands still or not, until the device is let go after seven. */
async function sendInVain(isRedisAway: boolean, failure = new Failure('SEND_FAILED', 'in vain')) {
  const releasing = new AbortController();
  let [failed, counted, aheadMs] = [0, 0, 0];
  const options: SendOptions = {
    messages: {
      beginAttempt: () => Promise.reject(new Error('never that far')),
      countAttempt: async () => {
        counted += 1;
      },
    },
    leaseToken: 'w#1',
    lendSlot: (work) => work(),
    storeRetryMs: 1,
    clock: () => monotonicMs() + aheadMs,
    session: async () => {
      failed += 1;
      aheadMs += isRedisAway ? -60_000 : 60_000;
      if (failed === 7) releasing.abort();
      throw failure;
    },
    prepare: async () => ({
      bytes: Buffer.from('x'),
      mimetype: 'image/jpeg',
      width: 48,
      height: 48,
      sha256: 's',
      thumbnail: Buffer.from('t'),
      notes: [],
      inputBytes: 1,
    }),
    uploads: new UploadCache({ reuseMs: 60_000, onUpload: () => {} }),
    gate: async () => {},
    stage: (_, run) => run(),
    maxAttempts: 3,
    budgetMs: 90_000,
    backoffBaseMs: 1,
    backoffMaxMs: 2,
    signal: releasing.signal,
    logger: createLogger({ name: 'test', level: 'silent' }),
  };
  const turn = new ChatOrder().take(job.recipient.jid);
  const { type } = await sendMessage({ job, record, turn, takenAt: job.accepted_at }, options);
  return { type, failed, counted };
}

test('attempts that fail while Redis is away use up neither attempts nor budget', async () => {
  assert.deepEqual(await sendInVain(true), { type: 'released', failed: 7, counted: 0 });
  assert.deepEqual(await sendInVain(false), { type: 'failed', failed: 2, counted: 2 });
});

test('a failure may be worth fewer attempts, and none when a server wants to be asked later than the budget lasts', async () => {
  const slow = new Failure('IMAGE_DOWNLOAD_FAILED', 'no answer', { maxAttempts: 1 });
  assert.deepEqual(await sendInVain(false, slow), { type: 'failed', failed: 1, counted: 1 });
  const busy = new Failure('IMAGE_DOWNLOAD_FAILED', 'status 503', { retryAfterSeconds: 3_600 });
  assert.deepEqual(await sendInVain(false, busy), { type: 'failed', failed: 1, counted: 1 });
});

test('an attempt is not made before the time that a server asked for', async () => {
  const startedAt = monotonicMs();
  const busy = new Failure('IMAGE_DOWNLOAD_FAILED', 'status 503', { retryAfterSeconds: 0.1 });
  assert.deepEqual(await sendInVain(false, busy), { type: 'failed', failed: 2, counted: 2 });
  assert.ok(monotonicMs() - startedAt >= 99);
});
