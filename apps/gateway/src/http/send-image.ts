import { Failure, newMessageId, type SendImageJob } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { IdempotencyClaim } from '@postern/registry';
import type { Acceptance } from '../acceptance/acceptance.ts';
import { toFingerprint } from '../acceptance/fingerprint.ts';
import type { Accepted, KeyedAcceptance } from '../acceptance/keyed-acceptance.ts';
import { parseSendFields } from '../acceptance/send-fields.ts';
import { type AnswerSendParts, answerSend, messageIdOf } from './answer-send.ts';
import type { Exchange, Route } from './exchange.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { readSubmission, type Submission, type SubmissionParts } from './submission.ts';

export interface SendImageParts extends SubmissionParts, AnswerSendParts {
  /** The id of the device that the request names, ready to send; decided before the body is read. */
  admit: (exchange: Exchange, claim: IdempotencyClaim | undefined) => Promise<string>;
  /** Whether the device has a message of this id that can be quoted. */
  isQuotable: (deviceId: string, messageId: string) => Promise<boolean>;
  blobs: Pick<BlobStore, 'put' | 'delete'>;
  acceptance: Acceptance;
  keyed: KeyedAcceptance;
  /** This gateway's mailbox. */
  replyTo: string;
  urlAllowPrivate: readonly string[];
  queueTtlMs: number;
  metrics: SubmissionParts['metrics'] & AnswerSendParts['metrics'];
}

/** What is known of a request before its body is read. */
interface Admitted {
  /** The id that its message gets, and its upload until then. */
  messageId: string;
  deviceId: string;
  key: string | undefined;
  /** Whether the key was used before. */
  isRepeated: boolean;
}

/** `POST /send/image`. */
export function sendImageRoutes(parts: SendImageParts): Route[] {
  return [{ method: 'post', path: '/send/image', access: 'send', handle: (exchange) => handle(exchange, parts) }];
}

async function handle(exchange: Exchange, parts: SendImageParts): Promise<void> {
  const { request, principal, facts } = exchange;
  const key = parseIdempotencyKey(request.get('idempotency-key'));
  const claim = key === undefined ? undefined : await parts.keyed.find(principal.name, key);
  const deviceId = await parts.admit(exchange, claim);
  facts.device_id = deviceId;
  const admitted = { messageId: newMessageId(), deviceId, key, isRepeated: claim !== undefined };
  await answerSend(exchange, deviceId, (listen) => acceptUpload(exchange, admitted, parts, listen), parts);
}

/** Reads and checks the body and makes the message durable. What is refused or repeated leaves nothing behind. */
async function acceptUpload(
  exchange: Exchange,
  admitted: Admitted,
  parts: SendImageParts,
  listen: (messageId: string) => void,
): Promise<Accepted> {
  const { messageId, key } = admitted;
  let keptFor: string | undefined;
  try {
    const submission = await readSubmission(exchange, messageId, parts);
    const { job, fingerprint } = await toJob(exchange, admitted, submission, parts);
    const accepted =
      key === undefined
        ? await acceptUnkeyed(job, parts, listen)
        : await parts.keyed.accept(job, { principal: exchange.principal.name, key, fingerprint }, listen);
    keptFor = accepted.messageId;
    return accepted;
  } catch (error) {
    keptFor = error instanceof Failure ? messageIdOf(error) : undefined;
    throw error;
  } finally {
    if (keptFor !== messageId) await deleteBlob(exchange, messageId, parts);
  }
}

async function acceptUnkeyed(
  job: SendImageJob,
  { acceptance }: SendImageParts,
  listen: (messageId: string) => void,
): Promise<Accepted> {
  listen(job.message_id);
  await acceptance.accept(job);
  return { messageId: job.message_id, isReplay: false };
}

/** A blob that cannot be deleted now is swept later. */
async function deleteBlob({ logger }: Exchange, messageId: string, { blobs }: SendImageParts): Promise<void> {
  await blobs
    .delete(messageId)
    .catch((error: unknown) => logger.warn({ error, message_id: messageId }, 'blob not deleted'));
}

async function toJob(
  { requestId }: Exchange,
  { messageId, deviceId, isRepeated }: Admitted,
  { image, fields: sent }: Submission,
  parts: SendImageParts,
): Promise<{ job: SendImageJob; fingerprint: string }> {
  const rules = { hasUpload: image !== undefined, urlAllowPrivate: parts.urlAllowPrivate };
  const parsed = parseSendFields(sent, rules);
  const { imageUrl, ttlSeconds, ...fields } = parsed;
  const replyTo = fields.reply_message_id;
  // A repeated request was found good when it came first.
  if (replyTo !== undefined && !isRepeated && !(await parts.isQuotable(deviceId, replyTo))) {
    throw Failure.field('reply_message_id', 'this device has no such message to quote');
  }
  const acceptedAt = Date.now();
  const job: SendImageJob = {
    ...fields,
    message_id: messageId,
    device_id: deviceId,
    image: image ? { source: 'blob', ...image } : { source: 'url', url: imageUrl ?? '' },
    accepted_at: acceptedAt,
    expires_at: acceptedAt + (ttlSeconds === undefined ? parts.queueTtlMs : ttlSeconds * 1000),
    request_id: requestId,
    reply_to: parts.replyTo,
  };
  return { job, fingerprint: toFingerprint(deviceId, parsed, image?.sha256) };
}
