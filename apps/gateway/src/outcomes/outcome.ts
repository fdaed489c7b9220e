import { Failure, isSent, type Mail, type MessageRecord } from '@postern/contract';

/** How a message ended, as its record says. */
export type Outcome = Pick<MessageRecord, 'message_id' | 'state' | 'notes' | 'error'>;

/** What the news of a message's end says of it; undefined: to be read from its record. */
export function toOutcome({
  message_id,
  state,
  notes,
}: Extract<Mail, { type: 'message_settled' }>): Outcome | undefined {
  return state === undefined ? undefined : { message_id, state, ...(notes && { notes }) };
}

/** Throws what went wrong with a settled message; returns when it was sent. */
export function assertSent({ message_id, state, error }: Outcome): void {
  if (isSent(state)) return;
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
