import type { MessageRecord } from '@postern/contract';
import type { Redis } from 'ioredis';
import { addDeadline, type Deadline } from './deadlines.ts';
import type { Keys } from './keys.ts';

/** What a new message says of itself. */
export type NewMessage = Omit<MessageRecord, 'error' | 'notes' | 'starts'>;

/**
 * Lua: `create(record, index, i)` writes a new message's record and lists it in its device's index, by ARGV from i on:
 * message id, created_at, record TTL in milliseconds, oldest created_at that is kept in the index, then field/value pairs
 * to the end. A record that exists stays as it is; then it answers false.
 */
export const CREATE_RECORD = `
local function create(record, index, i)
  if redis.call('EXISTS', record) == 1 then return false end
  local fields = {}
  for n = i + 4, #ARGV do fields[#fields + 1] = ARGV[n] end
  redis.call('HSET', record, unpack(fields))
  redis.call('PEXPIRE', record, ARGV[i + 2])
  redis.call('ZADD', index, ARGV[i + 1], ARGV[i])
  redis.call('ZREMRANGEBYSCORE', index, '-inf', ARGV[i + 3])
  redis.call('PEXPIRE', index, ARGV[i + 2])
  return true
end`;

/** The arguments of CREATE_RECORD. */
export function toRecordArguments(message: NewMessage, recordTtlMs: number): (string | number)[] {
  const ttlMs = toTtlMs(message, recordTtlMs);
  return [message.message_id, message.created_at, ttlMs, message.created_at - ttlMs, ...Object.entries(message).flat()];
}

/**
 * Writes what makes a message found before it is there: which device it belongs to, for `ttlMs`, and when it expires.
 * Neither leads to anything without its record: the one points at nothing, and the other is dropped when it is looked at.
 * So it is never taken back, which could meet a message that an equal request has accepted meanwhile under the same id.
 * Answers the deadline in Unix milliseconds by Redis' clock.
 */
export async function announceMessage(
  redis: Redis,
  keys: Keys,
  { message_id: messageId, device_id: deviceId }: Pick<NewMessage, 'message_id' | 'device_id'>,
  { deadline, ttlMs }: { deadline: Deadline; ttlMs: number },
): Promise<number> {
  const [, expiresAt] = await Promise.all([
    redis.set(keys.messageDevice(messageId), deviceId, 'PX', ttlMs),
    addDeadline(redis, keys, { deviceId, messageId }, deadline),
  ]);
  return expiresAt;
}

/** For how many milliseconds the record of a message that does not end is kept: it outlives its deadline. */
export function toTtlMs(message: Pick<NewMessage, 'created_at' | 'expires_at'>, recordTtlMs: number): number {
  return Math.max(0, message.expires_at - message.created_at) + recordTtlMs;
}
