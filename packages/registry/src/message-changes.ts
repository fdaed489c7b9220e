import { type Failure, type FailureRecord, isSettled, type MessageState } from '@postern/contract';

/** A change of a message's state as the arguments of `TRANSITION`. */
export type MessageChange = readonly [
  from: string,
  to: MessageState,
  ttlMs: number,
  now: number,
  ...fields: (string | number)[],
];

/** Of records that are final the time to live begins anew. */
export function toChange(
  from: readonly MessageState[],
  to: MessageState,
  recordTtlMs: number,
  fields: (string | number)[] = [],
): MessageChange {
  return [`,${from.join(',')},`, to, isSettled(to) ? recordTtlMs : 0, Date.now(), ...fields];
}

/** queued|sending|failed with ACK_TIMEOUT → sent. */
export function toSent(sentAt: number, recordTtlMs: number): MessageChange {
  return toChange(['queued', 'sending', 'failed'], 'sent', recordTtlMs, ['sent_at', sentAt]);
}

/** One of `from` → failed. */
export function toFailed(
  failure: Failure,
  recordTtlMs: number,
  from: readonly MessageState[] = ['queued', 'sending'],
): MessageChange {
  const fields = ['error_code', failure.code, 'error', JSON.stringify(toFailureRecord(failure))];
  return toChange(from, 'failed', recordTtlMs, fields);
}

/** What of a failure may be stored and told. */
export function toFailureRecord(failure: Failure): FailureRecord {
  const { code, message, details, retryAfterSeconds } = failure;
  const record: FailureRecord = { code, message, details };
  if (retryAfterSeconds !== undefined) record.retry_after_seconds = retryAfterSeconds;
  return record;
}
