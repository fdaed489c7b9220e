import { Failure, isSettled, type MessageRecord, type SendImageJob } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { FoundClaim, IdempotencyClaim, IdempotencyClaims, Messages } from '@postern/registry';
import { delay, type Logger } from '@postern/runtime';
import { answering, isCertainlyNotWritten } from '../redis-silence.ts';
import { type Acceptance, acceptanceUnknown, queueUnavailable } from './acceptance.ts';

export interface KeyedAcceptanceParts {
  claims: IdempotencyClaims;
  acceptance: Acceptance;
  messages: Pick<Messages, 'read'>;
  /** Whether the message's job waits or is in hand. */
  hasJob: (deviceId: string, messageId: string) => Promise<boolean>;
  blobs: Pick<BlobStore, 'open' | 'put'>;
  logger: Logger;
}

/** A key, of whom, and for which request. */
export interface KeyUse {
  principal: string;
  key: string;
  fingerprint: string;
}

/** What a request led to: a message of its own, or the one that an equal request led to before. */
export interface Accepted {
  messageId: string;
  isReplay: boolean;
  /** The record of a message that had settled already. */
  settled?: MessageRecord;
}

export interface KeyedAcceptance {
  /** What the key was used for before. */
  find(principal: string, key: string): Promise<IdempotencyClaim | undefined>;
  /**
   * Accepts the job under its key, or finds the message of an equal request, completing it where a gateway died half-way.
   * `listen` is told the message's id before anybody can settle it, again when another id takes its place. Throws
   * IDEMPOTENCY_KEY_CONFLICT, QUEUE_FULL, QUEUE_UNAVAILABLE, and ACCEPTANCE_UNKNOWN with the id that the key stands for.
   */
  accept(job: SendImageJob, use: KeyUse, listen: (messageId: string) => void): Promise<Accepted>;
}

/** How often a key may change hands under a request before it gives up. */
const MAX_ROUNDS = 5;
/** When to look whether the gateway that claimed a key has written the record and the job; then it counts as dead. */
const LOOKS_MS = [0, 20, 40, 80, 160];

export function createKeyedAcceptance(parts: KeyedAcceptanceParts): KeyedAcceptance {
  const { claims } = parts;
  return {
    async find(principal, key) {
      const claim = await answering(claims.find(principal, key));
      return claim && (await isOver(claim, parts)) ? undefined : claim;
    },
    async accept(job, use, listen) {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const claim = await claimFor(job, use, parts);
        if (!claim.isNew && (await isOver(claim, parts))) {
          await answering(claims.release(use.principal, use.key, claim));
          continue;
        }
        if (!claim.isNew && claim.fingerprint !== use.fingerprint) {
          throw new Failure('IDEMPOTENCY_KEY_CONFLICT', 'This Idempotency-Key was used for another request');
        }
        listen(claim.messageId);
        const accepted = claim.isNew ? await acceptFirst(job, use, parts) : await replay(claim, job, use, parts);
        if (accepted) return accepted;
      }
      throw queueUnavailable(new Error('an idempotency key changed hands again and again'));
    },
  };
}

/** Until there is a record nothing can be sent: when Redis falls silent here, nothing was accepted. */
async function claimFor(job: SendImageJob, use: KeyUse, { claims }: KeyedAcceptanceParts) {
  const { principal, key } = use;
  const own = toClaim(job, use);
  try {
    return await answering(claims.claim(principal, key, own));
  } catch (error) {
    // The claim may still be carried out; then this follows it. If it is not, an equal request completes the message.
    if (!isCertainlyNotWritten(error)) claims.release(principal, key, own).catch(() => {});
    throw queueUnavailable(error);
  }
}

function toClaim(job: SendImageJob, { fingerprint }: KeyUse): IdempotencyClaim {
  const waitsMs = job.expires_at - job.accepted_at;
  return { messageId: job.message_id, deviceId: job.device_id, fingerprint, waitsMs };
}

/** Whether a key stands for nothing any more: its time is over, and its message has ended. */
async function isOver({ isLapsed, deviceId, messageId }: FoundClaim, { messages }: KeyedAcceptanceParts) {
  if (!isLapsed) return false;
  const record = await answering(messages.read(deviceId, messageId));
  return record === undefined || isSettled(record.state);
}

/** Undefined when it failed, but another request has taken the message over meanwhile. */
async function acceptFirst(
  job: SendImageJob,
  use: KeyUse,
  { claims, acceptance, logger }: KeyedAcceptanceParts,
): Promise<Accepted | undefined> {
  try {
    await acceptance.accept(job);
    return { messageId: job.message_id, isReplay: false };
  } catch (error) {
    if (error instanceof Failure && error.code === 'ACCEPTANCE_UNKNOWN') throw error;
    const isReleased = await answering(claims.release(use.principal, use.key, toClaim(job, use))).catch(
      (cause: unknown) => {
        logger.warn({ err: cause, message_id: job.message_id }, 'idempotency key not released');
        return true;
      },
    );
    if (isReleased) throw error;
    return undefined;
  }
}

/** Undefined when the key is free again: nothing was ever sent under it. */
async function replay(
  claim: IdempotencyClaim,
  job: SendImageJob,
  { principal, key }: KeyUse,
  parts: KeyedAcceptanceParts,
): Promise<Accepted | undefined> {
  const { claims, acceptance, blobs, logger } = parts;
  const { messageId } = claim;
  try {
    const { record, isComplete } = await untilComplete(claim, parts);
    if (record && wasNeverQueued(record)) {
      await answering(claims.release(principal, key, claim));
      return undefined;
    }
    if (isComplete)
      return { messageId, isReplay: true, ...(record && isSettled(record.state) ? { settled: record } : {}) };
    if (!(await answering(claims.adopt(principal, key, claim)))) return undefined;
    logger.warn({ message_id: messageId, device_id: job.device_id }, 'acceptance completed for another gateway');
    if (job.image.source === 'blob') await blobs.put(messageId, await blobs.open(job.message_id));
    await acceptance.complete({
      ...job,
      message_id: messageId,
      accepted_at: record?.created_at ?? job.accepted_at,
      expires_at: record?.expires_at ?? job.expires_at,
    });
    return { messageId, isReplay: true };
  } catch (error) {
    // The gateway that claimed the key may live, and accept its message, although the image cannot be stored again here.
    const isRefusal = error instanceof Failure && error.code !== 'STORAGE_UNAVAILABLE';
    throw isRefusal ? error : acceptanceUnknown(messageId, error);
  }
}

/** Gives the first gateway time to write the record and the job; answers what there is. */
async function untilComplete(
  { deviceId, messageId }: IdempotencyClaim,
  { messages, hasJob }: KeyedAcceptanceParts,
): Promise<{ record: MessageRecord | undefined; isComplete: boolean }> {
  let record: MessageRecord | undefined;
  for (const waitMs of LOOKS_MS) {
    if (waitMs > 0) await delay(waitMs);
    record = await answering(messages.read(deviceId, messageId));
    if (record && (record.state !== 'queued' || (await answering(hasJob(deviceId, messageId))))) {
      return { record, isComplete: true };
    }
  }
  return { record, isComplete: false };
}

/** A worker found the record without a job and gave it up: its acceptance was unknown, and it turned out as not accepted. */
function wasNeverQueued({ state, error }: MessageRecord): boolean {
  return state === 'failed' && error?.code === 'QUEUE_UNAVAILABLE';
}
