import type { SendImageJob } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { JobSettler } from '@postern/queue';
import type { FailedJobs, Lease, Messages } from '@postern/registry';
import { type Logger, maskNumber } from '@postern/runtime';
import type { SendOutcome } from './send-message.ts';

export interface SettleDependencies {
  messages: Pick<Messages, 'forgetDeadline'>;
  jobs: JobSettler;
  lease: Pick<Lease, 'deviceId' | 'token'>;
  blobs: Pick<BlobStore, 'delete'>;
  failedJobs: Pick<FailedJobs, 'keep' | 'isKept'>;
  /** Tells the gateway that may be waiting: how it was sent, or to read the record. */
  notify: (job: SendImageJob, sent: SentNews | undefined) => Promise<void>;
  count: (outcome: 'sent' | 'failed', code: string, attempts: number) => void;
  logger: Logger;
}

/** What of a sent message its gateway is told. */
export interface SentNews {
  state: 'sent';
  notes?: string[];
}

/** How a message in hand ended; see SendOutcome. */
export type Ending = Exclude<SendOutcome, { type: 'released' }>;

/**
 * Writes a message's final state and ends its job in one step, then tells the waiting gateway and drops what was kept for
 * sending, unless a failed message is to be kept for a while. Whoever sees that it failed can send it again at once; apart
 * from that nothing comes before the record, and what comes after it may be lost: a gateway reads the record when it hears
 * nothing, the reconciler drops deadlines, the sweeper blobs.
 */
export async function settle(job: SendImageJob, outcome: Ending, options: SettleDependencies): Promise<void> {
  const { messages, notify } = options;
  const sent = outcome.type === 'dropped' ? undefined : await end(job, outcome, options);
  report(job, outcome, options);
  await Promise.all([
    notify(job, sent),
    messages.forgetDeadline(job.device_id, job.message_id),
    dropBlob(job, outcome, options),
  ]);
}

/** Answers what is to be told when the message counts as sent by this. */
async function end(
  job: SendImageJob,
  outcome: Extract<SendOutcome, { type: 'sent' | 'failed' }>,
  { jobs, lease, failedJobs }: SettleDependencies,
): Promise<SentNews | undefined> {
  if (outcome.type === 'sent') {
    const { isChanged } = await jobs.sent(lease, job.message_id, outcome.acknowledgedAt);
    if (!isChanged) return undefined;
    return { state: 'sent', ...(outcome.notes.length > 0 && { notes: [...outcome.notes] }) };
  }
  await failedJobs.keep(job);
  await jobs.failed(lease, job.message_id, outcome.failure);
  return undefined;
}

function report(job: SendImageJob, outcome: Ending, { count, logger }: SettleDependencies): void {
  if (outcome.type === 'sent') {
    const { attempts, sha256Sent } = outcome;
    count('sent', 'SUCCESS', attempts);
    const to = maskNumber(job.recipient.jid);
    logger.info({ attempts, to, sha256_sent: sha256Sent, elapsed_ms: Date.now() - job.accepted_at }, 'message sent');
  }
  if (outcome.type === 'failed') {
    const { failure, attempts } = outcome;
    const { code, details } = failure;
    count('failed', code, attempts);
    const level = code === 'INTERNAL_ERROR' ? 'error' : 'warn';
    const to = maskNumber(job.recipient.jid);
    logger[level]({ code, attempts, to, reason: details['reason'], err: failure }, 'message failed');
  }
}

/** The gateways' sweeper deletes what is kept, once its time is over. */
async function dropBlob(job: SendImageJob, outcome: Ending, { blobs, failedJobs }: SettleDependencies): Promise<void> {
  if (outcome.type !== 'sent' && (await failedJobs.isKept(job.device_id, job.message_id))) return;
  await blobs.delete(job.message_id);
}
