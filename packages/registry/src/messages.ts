import {
  type Failure,
  type FailureRecord,
  failureRecord,
  isFailureCode,
  isSettled,
  type MessageRecord,
  type MessageState,
} from '@postern/contract';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { createScript } from './script.ts';

export type AttemptAnswer = 'begun' | 'missing' | 'lease_lost';

export interface Messages {
  /**
   * Writes the record of an accepted message, in state `queued`, and its deadline. Must happen before its job is added.
   * Order: index, deadline, record; a death in between leaves nothing that anybody would send.
   */
  create(record: MessageRecord): Promise<void>;
  get(messageId: string): Promise<MessageRecord | undefined>;
  /** The owner's read, without the index. */
  read(deviceId: string, messageId: string): Promise<MessageRecord | undefined>;
  /**
   * queued|sending → sending, counting one more attempt, if the lease is held by this token. Only `begun` may go on;
   * otherwise answers why not: the state found, `missing`, or `lease_lost`.
   */
  beginAttempt(deviceId: string, messageId: string, token: string): Promise<MessageState | AttemptAnswer>;
  /** Counts an attempt that failed before anything was sent. */
  countAttempt(deviceId: string, messageId: string): Promise<void>;
  /** queued|sending|failed with ACK_TIMEOUT → sent. True when this call changed it. */
  markSent(deviceId: string, messageId: string, sentAt: number): Promise<boolean>;
  /** One of `from` (default queued|sending) → failed. True when this call changed it. */
  markFailed(deviceId: string, messageId: string, failure: Failure, from?: MessageState[]): Promise<boolean>;
  /** A receipt: sent → delivered → read, never backwards. True when this call changed it. */
  markReceipt(deviceId: string, messageId: string, status: 'delivered' | 'read', at: number): Promise<boolean>;
  /** Ids that are past their deadline, oldest first. */
  expired(now: number, limit: number): Promise<{ deviceId: string; messageId: string }[]>;
  /** Takes a message out of the deadlines: it has settled. */
  forgetDeadline(deviceId: string, messageId: string): Promise<void>;
}

// KEYS: record, and the lease where only its holder may change it. ARGV: comma-separated states it may be in, new state,
// record TTL, lease token, then field/value pairs.
// Answers the state found, and changes nothing unless it is one of the allowed ones. A `failed` record
// may be left only when its code is ACK_TIMEOUT: delivery was unknown then.
const transition = createScript<string>(`
if KEYS[2] and redis.call('GET', KEYS[2]) ~= ARGV[4] then return 'lease_lost' end
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'missing' end
if not string.find(ARGV[1], ',' .. state .. ',', 1, true) then return state end
if state == 'failed' and redis.call('HGET', KEYS[1], 'error_code') ~= 'ACK_TIMEOUT' then return state end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if ARGV[2] == 'sending' then redis.call('HINCRBY', KEYS[1], 'attempts', 1) end
if ARGV[2] ~= 'failed' and ARGV[2] ~= 'sending' then redis.call('HDEL', KEYS[1], 'error_code', 'error') end
if ARGV[3] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 'changed'`);

const countAttempt = createScript<number>(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], 'attempts', 1)`);

const list = (states: readonly MessageState[]) => `,${states.join(',')},`;

export function createMessages(redis: Redis, keys: Keys, options: { recordTtlMs: number }): Messages {
  const { recordTtlMs } = options;
  const recordKey = (deviceId: string, messageId: string) => keys.device(deviceId).message(messageId);
  const change = (
    deviceId: string,
    messageId: string,
    from: readonly MessageState[],
    to: MessageState,
    fields: (string | number)[] = [],
  ) => {
    const ttl = isSettled(to) ? recordTtlMs : 0;
    return transition(redis, [recordKey(deviceId, messageId)], [list(from), to, ttl, '', ...fields]);
  };
  const read = async (deviceId: string, messageId: string) =>
    toRecord(await redis.hgetall(recordKey(deviceId, messageId)));

  return {
    read,
    async create(record) {
      const { device_id, message_id, expires_at } = record;
      const ttl = Math.max(0, expires_at - Date.now()) + recordTtlMs;
      await redis.set(keys.messageDevice(message_id), device_id, 'PX', ttl);
      await redis.zadd(keys.deadlines, expires_at, `${device_id}|${message_id}`);
      const key = recordKey(device_id, message_id);
      const { error: _, ...fields } = record;
      await redis.multi().hset(key, fields).pexpire(key, ttl).exec();
    },
    async get(messageId) {
      const deviceId = await redis.get(keys.messageDevice(messageId));
      return deviceId === null ? undefined : read(deviceId, messageId);
    },
    async beginAttempt(deviceId, messageId, token) {
      const device = keys.device(deviceId);
      const args = [list(['queued', 'sending']), 'sending', 0, token];
      const found = await transition(redis, [device.message(messageId), device.lease], args);
      return found === 'changed' ? 'begun' : (found as MessageState | AttemptAnswer);
    },
    async countAttempt(deviceId, messageId) {
      await countAttempt(redis, [recordKey(deviceId, messageId)], []);
    },
    async markSent(deviceId, messageId, sentAt) {
      const found = await change(deviceId, messageId, ['queued', 'sending', 'failed'], 'sent', ['sent_at', sentAt]);
      return found === 'changed';
    },
    async markFailed(deviceId, messageId, failure, from = ['queued', 'sending']) {
      const fields = ['error_code', failure.code, 'error', JSON.stringify(toFailureRecord(failure))];
      return (await change(deviceId, messageId, from, 'failed', fields)) === 'changed';
    },
    async markReceipt(deviceId, messageId, status, at) {
      const from: MessageState[] = status === 'read' ? ['sent', 'delivered', 'failed'] : ['sent', 'failed'];
      return (await change(deviceId, messageId, from, status, [`${status}_at`, at])) === 'changed';
    },
    async expired(now, limit) {
      const members = await redis.zrangebyscore(keys.deadlines, '-inf', now, 'LIMIT', 0, limit);
      return members.map((member) => {
        const bar = member.lastIndexOf('|');
        return { deviceId: member.slice(0, bar), messageId: member.slice(bar + 1) };
      });
    },
    async forgetDeadline(deviceId, messageId) {
      await redis.zrem(keys.deadlines, `${deviceId}|${messageId}`);
    },
  };
}

/** What of a failure may be stored and told. */
export function toFailureRecord(failure: Failure): FailureRecord {
  const { code, message, details, retryAfterSeconds } = failure;
  const record: FailureRecord = { code, message, details };
  if (retryAfterSeconds !== undefined) record.retry_after_seconds = retryAfterSeconds;
  return record;
}

function toRecord(hash: Record<string, string>): MessageRecord | undefined {
  const { message_id, device_id, phone, state } = hash;
  if (message_id === undefined || device_id === undefined || phone === undefined || state === undefined) {
    return undefined;
  }
  const record: MessageRecord = {
    message_id,
    device_id,
    phone,
    state: state as MessageState,
    attempts: Number(hash['attempts'] ?? 0),
    created_at: Number(hash['created_at']),
    expires_at: Number(hash['expires_at']),
  };
  for (const field of ['sent_at', 'delivered_at', 'read_at'] as const) {
    if (hash[field] !== undefined) record[field] = Number(hash[field]);
  }
  if (hash['error'] !== undefined) record.error = toStoredFailure(hash['error']);
  return record;
}

function toStoredFailure(json: string): FailureRecord {
  const stored = failureRecord.parse(JSON.parse(json));
  return { ...stored, code: isFailureCode(stored.code) ? stored.code : 'INTERNAL_ERROR' };
}
