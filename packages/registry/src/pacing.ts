import type { DevicePace } from '@postern/contract';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { createScript } from './script.ts';

export interface Pacing {
  /**
   * Asks for leave to send one message now. Answers 0 when it is given (and counted), else the milliseconds after which
   * to ask again.
   */
  ask(deviceId: string, pace: DevicePace): Promise<number>;
}

// A log of the sends within the window, by Redis' clock, so that the limit holds across owners. KEYS: log. ARGV: max,
// window, a member that nobody else uses.
const ask = createScript<number>(`
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

export function createPacing(redis: Redis, keys: Keys): Pacing {
  return {
    async ask(deviceId, { max, window_ms }) {
      if (max === 0) return 0;
      const member = `${Date.now()}-${Math.random()}`;
      return await ask(redis, [keys.device(deviceId).pace], [max, window_ms, member]);
    },
  };
}
