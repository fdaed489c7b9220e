import { Failure, type MessageRecord } from '@postern/contract';

/** Throws what a settled message's record says went wrong; returns when it was sent. */
export function assertSent({ message_id, state, error }: MessageRecord): void {
  if (state === 'sent' || state === 'delivered' || state === 'read') return;
  if (state === 'cancelled') {
    throw new Failure('CANCELLED', 'The message was cancelled before it was sent', { details: { message_id } });
  }
  if (state === 'failed' && error) {
    throw new Failure(error.code, error.message, {
      details: { ...error.details, message_id },
      ...(error.retry_after_seconds === undefined ? {} : { retryAfterSeconds: error.retry_after_seconds }),
    });
  }
  throw new Failure('INTERNAL_ERROR', 'The message failed without a reason', { details: { message_id } });
}
