import { createHash } from 'node:crypto';
import { Failure, type MessageRecord, newMessageId, type SendImageJob } from '@postern/contract';
import { BlobNotFoundError, type BlobStore } from '@postern/media';
import type { FailedJobs, Messages } from '@postern/registry';
import { type Acceptable, type AcceptStoredParts, acceptStored } from '../acceptance/accept-stored.ts';
import { type AnswerSendParts, answerSend } from './answer-send.ts';
import type { Exchange } from './exchange.ts';
import { findMessage } from './find-message.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';

export interface RetryMessageParts extends AcceptStoredParts, AnswerSendParts {
  messages: Pick<Messages, 'get'>;
  failedJobs: Pick<FailedJobs, 'find'>;
  /** Throws when the device could not send now. */
  assertReady: (deviceId: string) => Promise<void>;
  blobs: Pick<BlobStore, 'open' | 'put' | 'delete'>;
  /** This gateway's mailbox. */
  replyTo: string;
}

/** `POST /messages/{id}/retry`: sends a failed message again as a new one, while what it needs is kept. */
export async function retryMessage(exchange: Exchange, parts: RetryMessageParts): Promise<void> {
  const { request, principal } = exchange;
  const key = parseIdempotencyKey(request.get('idempotency-key'));
  const claim = key === undefined ? undefined : await parts.keyed.find(principal.name, key);
  const record = await findMessage(exchange, parts.messages);
  const failedJob = await findFailedJob(record, parts);
  if (!claim) await parts.assertReady(record.device_id);
  const messageId = newMessageId();
  const prepare = async (): Promise<Acceptable> => {
    if (failedJob.image.source === 'blob') await copyBlob(record.message_id, messageId, parts);
    const fingerprint = createHash('sha256').update(`retry ${record.message_id}`).digest('hex');
    return {
      job: toNewJob(failedJob, messageId, exchange, parts),
      use: key === undefined ? undefined : { principal: principal.name, key, fingerprint },
    };
  };
  const { logger } = exchange;
  await answerSend(
    exchange,
    record.device_id,
    (listen) => acceptStored(messageId, prepare, listen, { parts, logger }),
    parts,
  );
}

async function findFailedJob(
  { message_id, device_id, state }: MessageRecord,
  { failedJobs }: RetryMessageParts,
): Promise<SendImageJob> {
  if (state !== 'failed') {
    throw new Failure('VALIDATION_ERROR', `Only a failed message can be sent again; this one is ${state}`, {
      details: { message_id, state },
    });
  }
  const job = await failedJobs.find(device_id, message_id);
  if (job) return job;
  throw notKept(message_id);
}

async function copyBlob(from: string, to: string, { blobs }: RetryMessageParts): Promise<void> {
  try {
    await blobs.put(to, await blobs.open(from));
  } catch (error) {
    if (error instanceof BlobNotFoundError) throw notKept(from);
    throw error;
  }
}

function toNewJob(
  failed: SendImageJob,
  messageId: string,
  { requestId, span, principal }: Exchange,
  { replyTo }: RetryMessageParts,
): SendImageJob {
  const acceptedAt = Date.now();
  return {
    ...failed,
    traceparent: span.traceparent,
    message_id: messageId,
    principal: principal.name,
    retry_of: failed.message_id,
    accepted_at: acceptedAt,
    expires_at: acceptedAt + failed.expires_at - failed.accepted_at,
    request_id: requestId,
    reply_to: replyTo,
  };
}

function notKept(messageId: string): Failure {
  return new Failure('NOT_FOUND', 'What this message needs to be sent again is not kept (FAILED_BLOB_TTL_MS)', {
    details: { retry_of: messageId },
  });
}
