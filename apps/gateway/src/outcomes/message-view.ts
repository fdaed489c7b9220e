import type { MessageRecord } from '@postern/contract';
import type { FailedJobs } from '@postern/registry';

/** A message as the API shows it, with until when it can be sent again. */
export async function viewMessage(record: MessageRecord, failedJobs: Pick<FailedJobs, 'keptUntil'>) {
  return toMessageView(record, await readRetryUntil(record, failedJobs));
}

/** Until when a failed message can be sent again, in Unix milliseconds; undefined for every other. */
export async function readRetryUntil(
  { state, device_id, message_id }: MessageRecord,
  failedJobs: Pick<FailedJobs, 'keptUntil'>,
): Promise<number | undefined> {
  return state === 'failed' ? await failedJobs.keptUntil(device_id, message_id) : undefined;
}

/** A message as the API shows it; times are ISO 8601 in UTC. */
export function toMessageView(record: MessageRecord, retryUntil?: number) {
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
    ...(retryUntil === undefined ? {} : { retry_until: new Date(retryUntil).toISOString() }),
    ...(retry_of === undefined ? {} : { retry_of }),
    ...(notes === undefined ? {} : { notes }),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, ...error.details } }),
  };
}
