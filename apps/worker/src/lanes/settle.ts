import type { SendImageJob } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { FailedJobs, Messages } from '@postern/registry';
import { type Logger, maskNumber } from '@postern/runtime';
import type { SendOutcome } from './send-message.ts';

export interface SettleDependencies {
  messages: Messages;
  blobs: Pick<BlobStore, 'delete'>;
  failedJobs: Pick<FailedJobs, 'keep' | 'isKept'>;
  /** Tells the gateway that may be waiting. */
  notify: (job: SendImageJob) => Promise<void>;
  count: (outcome: 'sent' | 'failed', code: string, attempts: number) => void;
  logger: Logger;
}

/**
 * Writes a message's final state, tells the waiting gateway, and drops what was kept for sending, unless a failed message
 * is to be kept for a while. Whoever sees that it failed can send it again at once; apart from that the record comes
 * first: everything after it may be repeated or lost without changing the outcome.
 */
export async function settle(job: SendImageJob, outcome: SendOutcome, options: SettleDependencies): Promise<void> {
  const { messages, blobs, failedJobs, notify, count, logger } = options;
  if (outcome.type === 'released') return;
  if (outcome.type === 'sent') {
    await messages.markSent(job.device_id, job.message_id, outcome.acknowledgedAt);
    count('sent', 'SUCCESS', outcome.attempts);
    logger.info(
      {
        attempts: outcome.attempts,
        to: maskNumber(job.recipient.jid),
        sha256_sent: outcome.sha256Sent,
        elapsed_ms: Date.now() - job.accepted_at,
      },
      'message sent',
    );
  }
  if (outcome.type === 'failed') {
    const { failure, attempts } = outcome;
    await failedJobs.keep(job);
    await messages.markFailed(job.device_id, job.message_id, failure);
    count('failed', failure.code, attempts);
    const level = failure.code === 'INTERNAL_ERROR' ? 'error' : 'warn';
    logger[level](
      {
        code: failure.code,
        attempts,
        to: maskNumber(job.recipient.jid),
        reason: failure.details['reason'],
        err: failure,
      },
      'message failed',
    );
  }
  await notify(job);
  await messages.forgetDeadline(job.device_id, job.message_id);
  // The gateways' sweeper deletes what is kept, once its time is over.
  if (outcome.type === 'sent' || !(await failedJobs.isKept(job.device_id, job.message_id))) {
    await blobs.delete(job.message_id);
  }
}
