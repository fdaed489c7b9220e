import type { Redis } from 'ioredis';
import { createDrainingScript } from './script.ts';

// A log of what happened within the window, by Redis' clock. KEYS: log. ARGV: max, window, a member that nobody else uses.
const take = createDrainingScript<number>(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[1], now, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], window)
  return 0
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return math.max(1, oldest[2] + window - now)`);

/**
 * Counts one more within a sliding window that all processes share. Answers 0 when it is within `max`, else the
 * milliseconds after which to ask again; then nothing is counted. A `max` of 0 limits nothing. `entry` is a name that nobody
 * else uses in this window.
 */
export async function takeOfWindow(
  redis: Redis,
  key: string,
  { max, windowMs }: { max: number; windowMs: number },
  entry = `${Date.now()}-${Math.random()}`,
): Promise<number> {
  if (max === 0) return 0;
  return await take(redis, [key], [max, windowMs, entry]);
}

/** Has what was counted under this name not count after all. */
export async function giveBackToWindow(
  redis: Redis,
  key: string,
  { max }: { max: number },
  entry: string,
): Promise<void> {
  if (max > 0) await redis.zrem(key, entry);
}
