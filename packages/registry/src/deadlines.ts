import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { createDrainingScript, createScript } from './script.ts';

/** When a message expires: so many milliseconds from now, or at this time in Unix milliseconds; by Redis' clock. */
export type Deadline = { ttlMs: number } | { expiresAt: number };

/** A message that has not settled, or has just. */
export interface UnsettledMessage {
  deviceId: string;
  messageId: string;
}

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

// KEYS: deadlines, unsettled counts. Both are in one cluster slot, see Keys.unsettled. ARGV: member, device id, `in` or `at`,
// milliseconds from now or since 1970.
const add = createScript<string>(`${NOW}
local deadline = ARGV[3] == 'in' and now + ARGV[4] or ARGV[4]
if redis.call('ZADD', KEYS[1], 'NX', deadline, ARGV[1]) == 1 then redis.call('HINCRBY', KEYS[2], ARGV[2], 1) end
return redis.call('ZSCORE', KEYS[1], ARGV[1])`);

// KEYS as above. ARGV: device id, members.
const remove = createDrainingScript<number>(`
local removed = redis.call('ZREM', KEYS[1], unpack(ARGV, 2))
if removed == 0 then return 0 end
if redis.call('HINCRBY', KEYS[2], ARGV[1], -removed) <= 0 then redis.call('HDEL', KEYS[2], ARGV[1]) end
return removed`);

// KEYS: deadlines. ARGV: how many at most, in how many milliseconds they are due again.
const claimDue = createDrainingScript<string[]>(`${NOW}
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], now + ARGV[2], member) end
return due`);

const readTime = createScript<number>(`${NOW}
return now`);

/** What Lua's `unpack` can carry is bounded. */
const CHUNK = 1000;

const member = (deviceId: string, messageId: string) => `${deviceId}|${messageId}`;

/**
 * Notes when a message expires, and that its device has one more that has not settled. Answers the deadline in Unix
 * milliseconds by Redis' clock; repeating it changes nothing and answers what was noted first.
 */
export async function addDeadline(
  redis: Redis,
  keys: Keys,
  { deviceId, messageId }: UnsettledMessage,
  deadline: Deadline,
): Promise<number> {
  const when = 'ttlMs' in deadline ? ['in', deadline.ttlMs] : ['at', deadline.expiresAt];
  return Number(await add(redis, [keys.deadlines, keys.unsettled], [member(deviceId, messageId), deviceId, ...when]));
}

/** These messages of a device have settled. Repeating it changes nothing. */
export async function removeDeadlines(
  redis: Redis,
  keys: Keys,
  deviceId: string,
  messageIds: readonly string[],
): Promise<void> {
  for (let from = 0; from < messageIds.length; from += CHUNK) {
    const members = messageIds.slice(from, from + CHUNK).map((messageId) => member(deviceId, messageId));
    await remove(redis, [keys.deadlines, keys.unsettled], [deviceId, ...members]);
  }
}

/**
 * Messages that are past their deadline, by Redis' clock, the longest overdue first. Nobody else is given them within
 * `againMs`, and then only those that are still there.
 */
export async function claimDueDeadlines(
  redis: Redis,
  keys: Keys,
  { limit, againMs }: { limit: number; againMs: number },
): Promise<UnsettledMessage[]> {
  return (await claimDue(redis, [keys.deadlines], [limit, againMs])).map(toUnsettledMessage);
}

/** The time that deadlines are told by, in Unix milliseconds. */
export function readDeadlineClock(redis: Redis, keys: Keys): Promise<number> {
  return readTime(redis, [keys.deadlines], []);
}

/** The devices that have messages which have not settled, with how many: one command, whatever waits. */
export async function readUnsettled(redis: Redis, keys: Keys): Promise<Map<string, number>> {
  const counts = Object.entries(await redis.hgetall(keys.unsettled));
  return new Map(counts.map(([deviceId, count]) => [deviceId, Number(count)]));
}

/** `<device>|<message id>`, as a member of the deadlines. */
export function toUnsettledMessage(text: string): UnsettledMessage {
  const bar = text.lastIndexOf('|');
  return { deviceId: text.slice(0, bar), messageId: text.slice(bar + 1) };
}
