import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { createScript } from './script.ts';

/**
 * The right to own a device: at most one worker holds it at a time. The token (`<worker>#<epoch>`) names the holder and
 * its turn; every write that only the owner may make is checked against it.
 */
export interface Lease {
  deviceId: string;
  token: string;
  epoch: number;
}

/** `lost`: somebody else holds it, or held it since: drop the socket. */
export type Renewal = 'renewed' | 'lost';

export interface Leases {
  /** Takes a free lease with the next epoch, or answers undefined when it is held. */
  acquire(deviceId: string): Promise<Lease | undefined>;
  /** Prolongs it; one that ran out comes back, unless another worker has had a turn since. */
  renew(lease: Lease): Promise<Renewal>;
  /** Gives it up, if it is still ours. */
  release(lease: Lease): Promise<void>;
  /** The worker that holds the device's lease now. */
  owner(deviceId: string): Promise<string | undefined>;
}

const acquire = createScript<number>(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local epoch = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. '#' .. epoch, 'PX', ARGV[2])
return epoch`);

const renew = createScript<string>(`
local token = redis.call('GET', KEYS[1])
if token == ARGV[1] or (not token and redis.call('GET', KEYS[2]) == ARGV[3]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 'renewed'
end
return 'lost'`);

const release = createScript<number>(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
return redis.call('DEL', KEYS[1])`);

export function createLeases(redis: Redis, keys: Keys, options: { workerId: string; ttlMs: number }): Leases {
  const { workerId, ttlMs } = options;
  return {
    async acquire(deviceId) {
      const device = keys.device(deviceId);
      const epoch = await acquire(redis, [device.lease, device.epoch], [workerId, ttlMs]);
      return epoch === 0 ? undefined : { deviceId, token: `${workerId}#${epoch}`, epoch };
    },
    async renew(lease) {
      const device = keys.device(lease.deviceId);
      return (await renew(redis, [device.lease, device.epoch], [lease.token, ttlMs, lease.epoch])) as Renewal;
    },
    async release(lease) {
      const device = keys.device(lease.deviceId);
      await release(redis, [device.lease, device.releasedEpoch], [lease.token, lease.epoch]);
    },
    owner: (deviceId) => readOwner(redis, keys, deviceId),
  };
}

/** The worker that holds the device's lease now. */
export async function readOwner(redis: Redis, keys: Keys, deviceId: string): Promise<string | undefined> {
  const token = await redis.get(keys.device(deviceId).lease);
  return token?.slice(0, token.lastIndexOf('#'));
}

/**
 * For each device without a lease, in the order given, whether its last holder gave it up or there never was one. Otherwise
 * it ran out, perhaps only because Redis was away, and its holder may still be connected.
 */
export async function readLetGo(redis: Redis, keys: Keys, deviceIds: string[]): Promise<boolean[]> {
  if (deviceIds.length === 0) return [];
  const pipeline = redis.pipeline();
  for (const deviceId of deviceIds) {
    const { epoch, releasedEpoch } = keys.device(deviceId);
    pipeline.mget(epoch, releasedEpoch);
  }
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, found]) => {
    if (error) throw error;
    const [epoch, released] = found as (string | null)[];
    return epoch === null || epoch === released;
  });
}

/** For how long this Redis has been up, in milliseconds: leases that it does not show may have run out before. */
export async function readUptimeMs(redis: Redis): Promise<number> {
  const seconds = /uptime_in_seconds:(\d+)/.exec(await redis.info('server'))?.[1];
  return Number(seconds ?? 0) * 1000;
}
