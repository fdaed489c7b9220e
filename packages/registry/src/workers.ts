import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { readOwner } from './leases.ts';
import { createDrainingScript } from './script.ts';

/** The workers that live, sorted, and those of them that say that WhatsApp reaches a device of theirs. */
export interface LiveWorkers {
  all: string[];
  connected: string[];
}

/** Another process lives under this worker's id. */
export class WorkerIdTakenError extends Error {
  override name = 'WorkerIdTakenError';
}

/** Which workers live. A worker that stops saying so is forgotten after the TTL of its last beat, by Redis' own clock. */
export interface Workers {
  /** Says that this worker lives, and whether a device of its own is connected. Throws WorkerIdTakenError. */
  beat(workerId: string, ttlMs: number, isConnected?: boolean): Promise<LiveWorkers>;
  /** Says that it takes no more devices; answers those that still do. */
  leave(workerId: string): Promise<LiveWorkers>;
}

// KEYS: workers, their processes. ARGV: worker id, TTL in milliseconds (0: leave), process, whether it is connected.
const beat = createDrainingScript<string[] | null>(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local holder = string.match(redis.call('HGET', KEYS[2], ARGV[1]) or '', '^[^|]+')
if holder and holder ~= ARGV[3] and redis.call('ZSCORE', KEYS[1], ARGV[1]) then return false end
if ARGV[2] == '0' then redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. '|' .. ARGV[4])
end
for _, id in ipairs(redis.call('HKEYS', KEYS[2])) do
  if not redis.call('ZSCORE', KEYS[1], id) then redis.call('HDEL', KEYS[2], id) end
end
local live = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  live[#live + 1] = id
  live[#live + 1] = string.match(redis.call('HGET', KEYS[2], id) or '', '|(%d)$') or '0'
end
return live`);

/** For one process, which is told from any other that uses the same worker id. */
export function createWorkers(redis: Redis, keys: Keys): Workers {
  const processId = randomUUID();
  const run = async (workerId: string, ttlMs: number, isConnected: boolean): Promise<LiveWorkers> => {
    const args = [workerId, ttlMs, processId, isConnected ? 1 : 0];
    const live = await beat(redis, [keys.workers, keys.workerProcesses], args);
    if (!live) throw new WorkerIdTakenError(`another worker runs under the WORKER_ID ${workerId}; give each its own`);
    const ids = live.filter((_, index) => index % 2 === 0);
    return { all: ids.toSorted(), connected: ids.filter((_, index) => live[2 * index + 1] === '1').toSorted() };
  };
  return {
    beat: (workerId, ttlMs, isConnected = false) => run(workerId, Math.max(1, Math.round(ttlMs)), isConnected),
    leave: (workerId) => run(workerId, 0, false),
  };
}

/** The owner of each device, in the order given; undefined where nobody holds the lease. */
export function readOwners(redis: Redis, keys: Keys, deviceIds: string[]): Promise<(string | undefined)[]> {
  // Not a pipeline: the devices' keys are in many slots.
  return Promise.all(deviceIds.map((deviceId) => readOwner(redis, keys, deviceId)));
}
