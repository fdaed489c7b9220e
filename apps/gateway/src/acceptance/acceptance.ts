import { Failure, type SendImageJob } from '@postern/contract';
import type { Producer } from '@postern/queue';
import { answering, isCertainlyNotWritten } from '../redis-silence.ts';
import { deviceNotFound } from './device-choice.ts';
import { queueFull } from './lane-limit.ts';

export interface AcceptanceParts {
  producer: Pick<Producer, 'announce' | 'accept'>;
  /** How many messages may wait in a lane. */
  laneLimit: number;
  /** Told of each message that is durable now. */
  onAccepted: (messageId: string, deviceId: string) => void;
}

export interface Acceptance {
  /**
   * Makes a message durable: its record and its job. Throws QUEUE_FULL, DEVICE_NOT_FOUND (it was removed meanwhile) and
   * QUEUE_UNAVAILABLE when nothing was accepted, and ACCEPTANCE_UNKNOWN when Redis went silent after something was written.
   */
  accept(job: SendImageJob): Promise<void>;
  /**
   * Makes durable what may be half so already: writes what is missing and leaves what is there. Throws
   * ACCEPTANCE_UNKNOWN, and DEVICE_NOT_FOUND.
   */
  complete(job: SendImageJob): Promise<void>;
}

const RETRY_AFTER_SECONDS = 5;

export function createAcceptance({ producer, laneLimit, onAccepted }: AcceptanceParts): Acceptance {
  return {
    async accept(job) {
      // Until there is a record nothing can be sent, whatever of this is still carried out.
      const announced = await answering(producer.announce(job)).catch((error: unknown) => {
        throw queueUnavailable(error);
      });
      const { outcome, waiting } = await answering(producer.accept(announced, laneLimit)).catch((error: unknown) => {
        throw isCertainlyNotWritten(error) ? queueUnavailable(error) : acceptanceUnknown(job.message_id, error);
      });
      if (outcome === 'gone') throw deviceNotFound(job.device_id);
      if (outcome === 'full') throw queueFull(job.device_id, waiting);
      onAccepted(job.message_id, job.device_id);
    },
    async complete(job) {
      const complete = async () => await answering(producer.accept(await answering(producer.announce(job))));
      const { outcome } = await complete().catch((error: unknown) => {
        throw acceptanceUnknown(job.message_id, error);
      });
      if (outcome === 'gone') throw deviceNotFound(job.device_id);
      onAccepted(job.message_id, job.device_id);
    },
  };
}

/** Where a message's record can be read. */
export function toStatusUrl(messageId: string): string {
  return `/messages/${messageId}`;
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
