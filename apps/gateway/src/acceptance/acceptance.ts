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
   * Makes a message durable: its record, then its job. Throws QUEUE_FULL and QUEUE_UNAVAILABLE when nothing was accepted,
   * and ACCEPTANCE_UNKNOWN when Redis went silent after something was written.
   */
  accept(job: SendImageJob): Promise<void>;
  /**
   * Makes durable what may be half so already: writes what is missing and leaves what is there. Throws
   * ACCEPTANCE_UNKNOWN.
   */
  complete(job: SendImageJob): Promise<void>;
}

const RETRY_AFTER_SECONDS = 5;

export function createAcceptance({ messages, producer, laneLimit }: AcceptanceParts): Acceptance {
  const unlessUnknown = <T>(job: SendImageJob, commands: Promise<T>): Promise<T> =>
    answering(commands).catch((error: unknown) => {
      throw acceptanceUnknown(job.message_id, error);
    });
  return {
    async accept(job) {
      const release = await laneLimit.reserve(job.device_id);
      try {
        await answering(messages.create(toRecord(job))).catch((error: unknown) => {
          throw isCertainlyNotWritten(error) ? queueUnavailable(error) : acceptanceUnknown(job.message_id, error);
        });
        await unlessUnknown(job, producer.enqueue(job));
      } finally {
        release();
      }
    },
    async complete(job) {
      await unlessUnknown(job, messages.create(toRecord(job)));
      await unlessUnknown(job, producer.enqueue(job));
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
    ...(job.retry_of === undefined ? {} : { retry_of: job.retry_of }),
  };
}

/** Nothing was accepted, and trying again is safe. */
export function queueUnavailable(cause: unknown): Failure {
  return new Failure('QUEUE_UNAVAILABLE', 'The queue cannot be reached; nothing was accepted', {
    cause,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

/** Whether the message was accepted, or will be, cannot be told. */
export function acceptanceUnknown(messageId: string, cause: unknown): Failure {
  return new Failure('ACCEPTANCE_UNKNOWN', 'The queue stopped answering; the message may be sent. Ask for its status', {
    cause,
    details: { message_id: messageId, status_url: toStatusUrl(messageId) },
  });
}
