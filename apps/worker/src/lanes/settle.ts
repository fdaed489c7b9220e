import { isSent, type SendImageJob } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { JobSettler, Settled } from '@postern/queue';
import type { FailedJobs, Lease, Messages } from '@postern/registry';
import { type Logger, maskNumber } from '@postern/runtime';
import type { DropReason, SendOutcome } from './send-message.ts';

export interface SettleDependencies {
  messages: Pick<Messages, 'forgetDeadline'>;
  jobs: JobSettler;
  lease: Pick<Lease, 'deviceId' | 'token'>;
  blobs: Pick<BlobStore, 'delete'>;
  failedJobs: Pick<FailedJobs, 'isKept'>;
  /** Tells the gateway that may be waiting: how it was sent, or to read the record. */
  notify: (job: SendImageJob, sent: SentNews | undefined) => Promise<void>;
  count: (outcome: 'sent' | 'failed', code: string, attempts: number) => void;
  countDropped: (reason: DropReason) => void;
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
 * sending, unless a failed message is to be kept for a while. Nothing comes before the record, and what comes after it may
 * be lost: a gateway reads the record when it hears nothing, the reconciler drops deadlines, the sweeper blobs. A job that
 * another worker has taken over is that worker's to end: only that it was sent can still be said.
 */
export async function settle(job: SendImageJob, outcome: Ending, options: SettleDependencies): Promise<void> {
  const { messages, notify, logger } = options;
  const settled = await end(job, outcome, options);
  const sent = settled.state !== undefined && isSent(settled.state);
  if (!settled.isRemoved && !(outcome.type === 'sent' && sent)) {
    logger.warn(
      { outcome: outcome.type, state: settled.state },
      'outcome refused: the message is another worker’s now',
    );
    return;
  }
  report(job, outcome, settled, options);
  await Promise.all([
    notify(job, outcome.type === 'sent' && sent ? toNews(outcome) : undefined),
    messages.forgetDeadline(job.device_id, job.message_id),
    dropBlob(job, sent, options),
  ]);
}

/** The job of a dropped message is ended by its lane. */
function end(job: SendImageJob, outcome: Ending, { jobs, lease }: SettleDependencies): Promise<Settled> | Settled {
  switch (outcome.type) {
    case 'sent':
      return jobs.sent(lease, job.message_id, outcome.acknowledgedAt);
    case 'proved':
      return jobs.sent(lease, job.message_id, Date.now());
    case 'failed':
      return jobs.failed(lease, job.message_id, outcome.failure);
    case 'dropped':
      return { state: undefined, isChanged: false, isRemoved: true };
  }
}

function toNews({ notes }: Extract<Ending, { type: 'sent' }>): SentNews {
  return { state: 'sent', ...(notes.length > 0 && { notes: [...notes] }) };
}

/** Counts and logs each message once: when its job goes. */
function report(job: SendImageJob, outcome: Ending, settled: Settled, options: SettleDependencies): void {
  const { count, logger } = options;
  if (outcome.type === 'dropped') return reportDropped(outcome.reason, options);
  if (!settled.isRemoved) return;
  const { attempts } = outcome;
  const to = maskNumber(job.recipient.jid);
  if (settled.state !== undefined && isSent(settled.state)) {
    count('sent', 'SUCCESS', attempts);
    const sha256 = outcome.type === 'sent' ? outcome.sha256Sent : undefined;
    logger.info({ attempts, to, sha256_sent: sha256, elapsed_ms: Date.now() - job.accepted_at }, 'message sent');
  } else if (outcome.type === 'failed' && settled.isChanged) {
    const { failure } = outcome;
    const { code, details } = failure;
    count('failed', code, attempts);
    const level = code === 'INTERNAL_ERROR' ? 'error' : 'warn';
    logger[level]({ code, attempts, to, reason: details['reason'], err: failure }, 'message failed');
  }
}

function reportDropped(reason: DropReason, { countDropped, logger }: SettleDependencies): void {
  countDropped(reason);
  if (reason === 'settled') logger.info('job dropped: its message had ended before');
  else logger.error('message lost: its job is there, but its record is gone');
}

/** The gateways' sweeper deletes what is kept, once its time is over. */
async function dropBlob(
  job: SendImageJob,
  sent: boolean,
  { blobs, failedJobs, logger }: SettleDependencies,
): Promise<void> {
  if (!sent && (await failedJobs.isKept(job.device_id, job.message_id))) return;
  // What cannot be deleted now is swept later.
  await blobs.delete(job.message_id).catch((error: unknown) => logger.debug({ err: error }, 'blob not deleted'));
}
