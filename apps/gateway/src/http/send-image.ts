import { type DeviceRecord, Failure, newMessageId, type SendImageJob } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import { type Acceptance, toStatusUrl } from '../acceptance/acceptance.ts';
import { parseSendFields } from '../acceptance/send-fields.ts';
import { assertSent } from '../outcomes/outcome.ts';
import type { Outcomes, Watch } from '../outcomes/outcomes.ts';
import type { Exchange, Route } from './exchange.ts';
import { type Preferences, parsePrefer, toPreferenceApplied } from './prefer.ts';
import { respond, succeed } from './respond.ts';
import { readSubmission, type Submission, type SubmissionParts } from './submission.ts';

export interface SendImageParts extends SubmissionParts {
  /** The device that the request names, ready to send; decided before the body is read. */
  admit: (exchange: Exchange) => Promise<DeviceRecord>;
  /** Whether the device has a message of this id that can be quoted. */
  isQuotable: (deviceId: string, messageId: string) => Promise<boolean>;
  blobs: Pick<BlobStore, 'put' | 'delete'>;
  acceptance: Acceptance;
  outcomes: Pick<Outcomes, 'watch'>;
  /** This gateway's mailbox. */
  replyTo: string;
  urlAllowPrivate: readonly string[];
  syncWaitMs: number;
  queueTtlMs: number;
}

/** `POST /send/image`. */
export function sendImageRoutes(parts: SendImageParts): Route[] {
  return [{ method: 'post', path: '/send/image', access: 'send', handle: (exchange) => handle(exchange, parts) }];
}

async function handle(exchange: Exchange, parts: SendImageParts): Promise<void> {
  const { request, response, facts } = exchange;
  const preferences = parsePrefer(request.get('prefer'));
  const device = await parts.admit(exchange);
  facts.device_id = device.device_id;
  const messageId = newMessageId();
  let watch: Watch | undefined;
  try {
    await acceptMessage(exchange, { messageId, device }, parts, () => {
      watch = parts.outcomes.watch(device.device_id, messageId);
    });
    facts.message_id = messageId;
    const waitMs = preferences.waitMs ?? (preferences.respondAsync ? 0 : parts.syncWaitMs);
    const record =
      waitMs === 0 ? undefined : await watch?.settled(waitMs, exchange.signal).catch(namingMessage(messageId));
    const applied = toPreferenceApplied({ ...preferences, respondAsync: preferences.respondAsync && !record });
    if (applied !== undefined) response.set('Preference-Applied', applied);
    if (!record) return respondQueued(exchange, messageId, preferences, parts);
    assertSent(record);
    succeed(response, 'Success', { message_id: messageId, status: 'Image sent successfully' });
  } finally {
    watch?.close();
  }
}

/** Reads and checks the body and makes the message durable. What is refused leaves nothing behind. */
async function acceptMessage(
  exchange: Exchange,
  { messageId, device }: { messageId: string; device: DeviceRecord },
  parts: SendImageParts,
  beforeJob: () => void,
): Promise<void> {
  try {
    const submission = await readSubmission(exchange, messageId, parts);
    const job = await toJob(exchange, { messageId, device, submission }, parts);
    await parts.acceptance.accept(job, beforeJob);
    parts.metrics.accepted.inc();
  } catch (error) {
    const mayBeSent = error instanceof Failure && error.code === 'ACCEPTANCE_UNKNOWN';
    if (mayBeSent) exchange.facts.message_id = messageId;
    else await deleteBlob(exchange, messageId, parts);
    throw error;
  }
}

/** A blob that cannot be deleted now is swept later. */
async function deleteBlob({ logger }: Exchange, messageId: string, { blobs }: SendImageParts): Promise<void> {
  await blobs
    .delete(messageId)
    .catch((error: unknown) => logger.warn({ error, message_id: messageId }, 'blob not deleted'));
}

async function toJob(
  { requestId }: Exchange,
  { messageId, device, submission }: { messageId: string; device: DeviceRecord; submission: Submission },
  parts: SendImageParts,
): Promise<SendImageJob> {
  const { image } = submission;
  const rules = { hasUpload: image !== undefined, urlAllowPrivate: parts.urlAllowPrivate };
  const { imageUrl, ttlSeconds, ...fields } = parseSendFields(submission.fields, rules);
  const replyTo = fields.reply_message_id;
  if (replyTo !== undefined && !(await parts.isQuotable(device.device_id, replyTo))) {
    throw Failure.field('reply_message_id', 'this device has no such message to quote');
  }
  const acceptedAt = Date.now();
  return {
    ...fields,
    message_id: messageId,
    device_id: device.device_id,
    image: image ? { source: 'blob', ...image } : { source: 'url', url: imageUrl ?? '' },
    accepted_at: acceptedAt,
    expires_at: acceptedAt + (ttlSeconds === undefined ? parts.queueTtlMs : ttlSeconds * 1000),
    request_id: requestId,
    reply_to: parts.replyTo,
  };
}

function respondQueued(
  { response, facts }: Exchange,
  messageId: string,
  { respondAsync }: Preferences,
  { metrics }: SendImageParts,
): void {
  facts.code = 'ACCEPTED';
  if (!respondAsync) metrics.stillQueued.inc();
  const statusUrl = toStatusUrl(messageId);
  response.set('Location', statusUrl);
  const results = { message_id: messageId, status: 'queued', status_url: statusUrl };
  respond(response, 202, { code: 'ACCEPTED', message: 'Queued', results });
}

/** A gateway that shuts down tells whoever waits which message goes on without it. */
function namingMessage(messageId: string) {
  return (reason: unknown): never => {
    if (!(reason instanceof Failure)) throw reason;
    throw new Failure(reason.code, 'This gateway is shutting down; the message was accepted and goes on', {
      details: { message_id: messageId, status_url: toStatusUrl(messageId) },
    });
  };
}
