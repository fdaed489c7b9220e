import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { readOwner } from './leases.ts';
import { createDrainingScript } from './script.ts';

/** Which workers live. A worker that stops saying so is forgotten after the TTL of its last beat, by Redis' own clock. */
export interface Workers {
  /** Says that this worker lives, and answers all that do, sorted. */
  beat(workerId: string, ttlMs: number): Promise<string[]>;
  /** Says that it takes no more devices; answers those that still do. */
  leave(workerId: string): Promise<string[]>;
}

// KEYS: workers. ARGV: worker id, TTL in milliseconds (0: leave).
const beat = createDrainingScript<string[]>(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '0' then redis.call('ZREM', KEYS[1], ARGV[1])
else redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZRANGE', KEYS[1], 0, -1)`);

export function createWorkers(redis: Redis, keys: Keys): Workers {
  const run = async (workerId: string, ttlMs: number) => (await beat(redis, [keys.workers], [workerId, ttlMs])).sort();
  return {
    beat: (workerId, ttlMs) => run(workerId, Math.max(1, Math.round(ttlMs))),
    leave: (workerId) => run(workerId, 0),
  };
}

/** The owner of each device, in the order given; undefined where nobody holds the lease. */
export function readOwners(redis: Redis, keys: Keys, deviceIds: string[]): Promise<(string | undefined)[]> {
  // Not a pipeline: the devices' keys are in many slots.
  return Promise.all(deviceIds.map((deviceId) => readOwner(redis, keys, deviceId)));
}
