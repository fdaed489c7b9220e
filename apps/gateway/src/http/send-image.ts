import { Failure, newMessageId, type SendImageJob } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { IdempotencyClaim } from '@postern/registry';
import { inSpan } from '@postern/runtime';
import { type Acceptable, type AcceptStoredParts, acceptStored } from '../acceptance/accept-stored.ts';
import { toFingerprint } from '../acceptance/fingerprint.ts';
import { parseSendFields } from '../acceptance/send-fields.ts';
import type { AdmittedDevice } from './admit.ts';
import { type AnswerSendParts, answerSend } from './answer-send.ts';
import type { Exchange, Route } from './exchange.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { readSubmission, type Submission, type SubmissionParts } from './submission.ts';

export interface SendImageParts extends SubmissionParts, AnswerSendParts, AcceptStoredParts {
  /** Counts a new request of a caller, and answers how not to count it after all; throws RATE_LIMITED. */
  takeOfRate: (principal: string) => Promise<() => Promise<void>>;
  /** The device that the request names, ready to send; decided before the body is read. */
  admit: (exchange: Exchange, claim: IdempotencyClaim | undefined) => Promise<AdmittedDevice>;
  /** Whether the device has a message of this id that can be quoted. */
  isQuotable: (deviceId: string, messageId: string) => Promise<boolean>;
  blobs: Pick<BlobStore, 'put' | 'delete'>;
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
  device: AdmittedDevice;
  key: string | undefined;
  /** Whether the key was used before. */
  isRepeated: boolean;
}

/** `POST /send/image`. */
export function sendImageRoutes(parts: SendImageParts): Route[] {
  return [{ method: 'post', path: '/send/image', access: 'send', handle: (exchange) => handle(exchange, parts) }];
}

async function handle(exchange: Exchange, parts: SendImageParts): Promise<void> {
  const { request, principal, facts, logger } = exchange;
  const key = parseIdempotencyKey(request.get('idempotency-key'));
  const claim = key === undefined ? undefined : await parts.keyed.find(principal.name, key);
  // Asking again for a message that exists makes no other one.
  const giveBack = claim ? undefined : await parts.takeOfRate(principal.name);
  try {
    await acceptAndAnswer(exchange, { key, claim }, parts);
  } catch (error) {
    // What was refused does not count; a message that has an id was accepted, or may be.
    if (facts.message_id === undefined) {
      await giveBack?.().catch((err: unknown) => logger.debug({ err }, 'refused request counts for the rate limit'));
    }
    throw error;
  }
}

async function acceptAndAnswer(
  exchange: Exchange,
  { key, claim }: { key: string | undefined; claim: IdempotencyClaim | undefined },
  parts: SendImageParts,
): Promise<void> {
  const { facts, logger } = exchange;
  const device = await parts.admit(exchange, claim);
  const { deviceId } = device;
  facts.device_id = deviceId;
  const admitted = { messageId: newMessageId(), device, key, isRepeated: claim !== undefined };
  const prepare = () => prepareUpload(exchange, admitted, parts);
  await answerSend(
    exchange,
    deviceId,
    (listen) => acceptStored(admitted.messageId, prepare, listen, { parts, logger }),
    parts,
  );
}

/** Reads and checks the body. */
async function prepareUpload(exchange: Exchange, admitted: Admitted, parts: SendImageParts): Promise<Acceptable> {
  const { key, messageId } = admitted;
  const submission = await inSpan(exchange.span, 'receive', () => readSubmission(exchange, messageId, parts));
  const { job, fingerprint } = await toJob(exchange, admitted, submission, parts);
  return { job, use: key === undefined ? undefined : { principal: exchange.principal.name, key, fingerprint } };
}

async function toJob(
  { requestId, span, principal }: Exchange,
  { messageId, device, isRepeated }: Admitted,
  { image, fields: sent, strayFile }: Submission,
  parts: SendImageParts,
): Promise<{ job: SendImageJob; fingerprint: string }> {
  const rules = { hasUpload: image !== undefined, strayFile, urlAllowPrivate: parts.urlAllowPrivate };
  const { deviceId, createdAt } = device;
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
    device_created_at: createdAt,
    principal: principal.name,
    image: image ? { source: 'blob', ...image } : { source: 'url', url: imageUrl ?? '' },
    accepted_at: acceptedAt,
    expires_at: acceptedAt + (ttlSeconds === undefined ? parts.queueTtlMs : ttlSeconds * 1000),
    request_id: requestId,
    traceparent: span.traceparent,
    reply_to: parts.replyTo,
  };
  return { job, fingerprint: toFingerprint(deviceId, parsed, image?.sha256) };
}
