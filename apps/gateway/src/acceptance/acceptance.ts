import { Failure, type MessageRecord, type SendImageJob } from '@postern/contract';
import type { Producer } from '@postern/queue';
import type { Messages } from '@postern/registry';
import { answering, isCertainlyNotWritten } from '../redis-silence.ts';
import type { LaneLimit } from './lane-limit.ts';

export interface AcceptanceParts {
  messages: Pick<Messages, 'create'>;
  producer: Pick<Producer, 'enqueue'>;
  laneLimit: LaneLimit;
}

export interface Acceptance {
  /**
   * Makes a message durable: its record, then its job; `beforeJob` runs in between, when the record is there and no
   * worker can have seen the job. Throws QUEUE_FULL and QUEUE_UNAVAILABLE when nothing was accepted, and
   * ACCEPTANCE_UNKNOWN when Redis went silent after something was written.
   */
  accept(job: SendImageJob, beforeJob: () => void): Promise<void>;
}

const RETRY_AFTER_SECONDS = 5;

export function createAcceptance({ messages, producer, laneLimit }: AcceptanceParts): Acceptance {
  return {
    async accept(job, beforeJob) {
      const release = await laneLimit.reserve(job.device_id);
      try {
        await answering(messages.create(toRecord(job))).catch((error: unknown) => {
          throw isCertainlyNotWritten(error) ? unavailable(error) : unknown(job, error);
        });
        beforeJob();
        await answering(producer.enqueue(job)).catch((error: unknown) => {
          throw unknown(job, error);
        });
      } finally {
        release();
      }
    },
  };
}

/** Where a message's record can be read. */
export function toStatusUrl(messageId: string): string {
  return `/messages/${messageId}`;
}

function toRecord(job: SendImageJob): MessageRecord {
  return {
    message_id: job.message_id,
    device_id: job.device_id,
    phone: job.recipient.jid,
    state: 'queued',
    attempts: 0,
    created_at: job.accepted_at,
    expires_at: job.expires_at,
  };
}

function unavailable(cause: unknown): Failure {
  return new Failure('QUEUE_UNAVAILABLE', 'The queue cannot be reached; nothing was accepted', {
    cause,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

function unknown({ message_id }: SendImageJob, cause: unknown): Failure {
  return new Failure('ACCEPTANCE_UNKNOWN', 'The queue stopped answering; the message may be sent. Ask for its status', {
    cause,
    details: { message_id, status_url: toStatusUrl(message_id) },
  });
}
