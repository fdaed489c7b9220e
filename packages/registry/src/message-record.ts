import {
  type FailureRecord,
  failureRecord,
  isFailureCode,
  isMessageState,
  type MessageRecord,
  messageNotes,
} from '@postern/contract';
import { UnreadableError } from './unreadable.ts';

/** The message that its hash describes; undefined when there is none. Throws UnreadableError. */
export function toMessageRecord(hash: Record<string, string>): MessageRecord | undefined {
  const { message_id, device_id, phone, state } = hash;
  if (message_id === undefined || device_id === undefined || phone === undefined || state === undefined) {
    return undefined;
  }
  try {
    if (!isMessageState(state)) throw new Error('its state is none that is known here');
    const record: MessageRecord = {
      message_id,
      device_id,
      phone,
      state,
      attempts: toNumber('attempts', hash['attempts'] ?? '0'),
      created_at: toNumber('created_at', hash['created_at']),
      expires_at: toNumber('expires_at', hash['expires_at']),
    };
    for (const field of OPTIONAL_NUMBERS) if (hash[field] !== undefined) record[field] = toNumber(field, hash[field]);
    if (hash['notes'] !== undefined) record.notes = messageNotes.parse(JSON.parse(hash['notes']));
    if (hash['principal'] !== undefined) record.principal = hash['principal'];
    if (hash['retry_of'] !== undefined) record.retry_of = hash['retry_of'];
    if (hash['error'] !== undefined) record.error = toStoredFailure(hash['error']);
    return record;
  } catch (error) {
    throw new UnreadableError(`the record of message ${message_id}`, error);
  }
}

const OPTIONAL_NUMBERS = ['sent_at', 'delivered_at', 'read_at', 'delivered_count', 'read_count', 'starts'] as const;

function toNumber(field: string, text: string | undefined): number {
  const number = Number(text ?? Number.NaN);
  if (!Number.isFinite(number)) throw new Error(`its ${field} is no number`);
  return number;
}

/** What a failed message's record says of the failure. Throws when it cannot be read. */
export function toStoredFailure(json: string): FailureRecord {
  const stored = failureRecord.parse(JSON.parse(json));
  return { ...stored, code: isFailureCode(stored.code) ? stored.code : 'INTERNAL_ERROR' };
}
