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

/** Every attempt fails after a minute, in which the clock stands still or not, until the device is let go after seven. */
async function sendInVain(isRedisAway: boolean) {
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
      throw new Failure('SEND_FAILED', 'in vain');
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
