import type { MessageRecord } from '@postern/contract';

/** A message as the API shows it; times are ISO 8601 in UTC. */
export function toMessageView(record: MessageRecord) {
  const { message_id, device_id, phone, state, attempts, delivered_count, read_count, retry_of, notes, error } = record;
  const time = (name: 'sent_at' | 'delivered_at' | 'read_at') => {
    const at = record[name];
    return at === undefined ? {} : { [name]: new Date(at).toISOString() };
  };
  return {
    message_id,
    device_id,
    phone,
    state,
    attempts,
    created_at: new Date(record.created_at).toISOString(),
    expires_at: new Date(record.expires_at).toISOString(),
    ...time('sent_at'),
    ...time('delivered_at'),
    ...time('read_at'),
    ...(delivered_count === undefined ? {} : { delivered_count }),
    ...(read_count === undefined ? {} : { read_count }),
    ...(retry_of === undefined ? {} : { retry_of }),
    ...(notes === undefined ? {} : { notes }),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, ...error.details } }),
  };
}
