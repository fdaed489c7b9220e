import { monotonicMs } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { HOLDS } from './holds.ts';
import type { Keys } from './keys.ts';
import { createDrainingScript } from './script.ts';

/**
 * The right to own a device: at most one worker holds it at a time. The token (`<worker>#<epoch>`) names the holder and
 * its turn; every write that only the owner may make is checked against it.
 */
export interface Lease {
  deviceId: string;
  token: string;
  epoch: number;
}

/** `lost`: somebody else has had a turn since: drop the socket. */
export type Renewal = 'renewed' | 'lost';

/** The token of a device's newest holder, `#<epoch>` once it gave the lease up, empty before the first one. */
export type LastHolder = string;

export interface Leases {
  /**
   * Takes a free lease with the next epoch, or answers undefined when it is held. With `seen`, only if nobody has had a
   * turn since the caller looked.
   */
  acquire(deviceId: string, seen?: LastHolder): Promise<Lease | undefined>;
  /** Prolongs it; one that ran out comes back, unless another worker has had a turn since. */
  renew(lease: Lease): Promise<Renewal>;
  /**
   * Gives it up, if it is still ours. Of a device that `isRemoved` the epoch is remembered for a week only: for as long a
   * worker that was cut off is kept from what a new device of this id stores.
   */
  release(lease: Lease, options?: { isRemoved: boolean }): Promise<void>;
  /** Rejects when Redis refuses writes of this device's keys. */
  assertWritable(deviceId: string): Promise<void>;
  /** The worker that holds the device's lease now. */
  owner(deviceId: string): Promise<string | undefined>;
}

// KEYS: lease, last holder. ARGV: worker, TTL in milliseconds, the last holder that was seen where that matters.
const acquire = createDrainingScript<number>(`${HOLDS}
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local last = redis.call('GET', KEYS[2]) or ''
if ARGV[3] and ARGV[3] ~= last then return 0 end
local epoch = epoch_of(last) + 1
local token = string.format('%s#%d', ARGV[1], epoch)
redis.call('SET', KEYS[2], token)
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return epoch`);

// KEYS: lease, last holder. ARGV: token, TTL in milliseconds.
const renew = createDrainingScript<string>(`${HOLDS}
if not holds(KEYS[2], ARGV[1]) then return 'lost' end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'renewed'`);

/** How long the epoch of a removed device is remembered, in milliseconds. */
const REMOVED_EPOCH_TTL_MS = 7 * 24 * 60 * 60 * 1000;

// KEYS: lease, last holder. ARGV: token, for how many milliseconds the epoch is remembered (0: for good). Nobody is connected
// any more: the next one need not wait.
const release = createDrainingScript<number>(`${HOLDS}
if not holds(KEYS[2], ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], string.format('#%d', epoch_of(ARGV[1])))
if ARGV[2] ~= '0' then redis.call('PEXPIRE', KEYS[2], ARGV[2]) end
redis.call('DEL', KEYS[1])
return 1`);

// KEYS: lease. What makes a script a draining one is a write.
const assertWritable = createDrainingScript<number>('return 1');

export function createLeases(redis: Redis, keys: Keys, options: { workerId: string; ttlMs: number }): Leases {
  const { workerId, ttlMs } = options;
  const keysOf = (deviceId: string) => {
    const { lease, lastHolder } = keys.device(deviceId);
    return [lease, lastHolder];
  };
  const renewLease = async (lease: Lease) =>
    (await renew(redis, keysOf(lease.deviceId), [lease.token, ttlMs])) as Renewal;
  return {
    async acquire(deviceId, seen) {
      const args = seen === undefined ? [workerId, ttlMs] : [workerId, ttlMs, seen];
      const askedAtMs = monotonicMs();
      const epoch = await acquire(redis, keysOf(deviceId), args);
      if (epoch === 0) return undefined;
      const lease = { deviceId, token: `${workerId}#${epoch}`, epoch };
      // A process that stood still meanwhile may read its lease when somebody else has the device.
      const isLate = monotonicMs() - askedAtMs > ttlMs / 2;
      return isLate && (await renewLease(lease)) === 'lost' ? undefined : lease;
    },
    renew: renewLease,
    async release(lease, { isRemoved } = { isRemoved: false }) {
      await release(redis, keysOf(lease.deviceId), [lease.token, isRemoved ? REMOVED_EPOCH_TTL_MS : 0]);
    },
    async assertWritable(deviceId) {
      await assertWritable(redis, [keys.device(deviceId).lease], []);
    },
    owner: (deviceId) => readOwner(redis, keys, deviceId),
  };
}

/** The worker that holds the device's lease now. */
export async function readOwner(redis: Redis, keys: Keys, deviceId: string): Promise<string | undefined> {
  return toOwner(await redis.get(keys.device(deviceId).lease));
}

/** The worker that a lease's token names. */
export function toOwner(token: string | null): string | undefined {
  return token?.slice(0, token.lastIndexOf('#'));
}

/** The last holder of each of these devices. */
export async function readLastHolders(
  redis: Redis,
  keys: Keys,
  deviceIds: readonly string[],
): Promise<Map<string, LastHolder>> {
  // Not a pipeline: the devices' keys are in many slots.
  const read = async (deviceId: string) => [deviceId, await readLastHolder(redis, keys, deviceId)] as const;
  return new Map(await Promise.all(deviceIds.map(read)));
}

/** See LastHolder. */
export async function readLastHolder(redis: Redis, keys: Keys, deviceId: string): Promise<LastHolder> {
  return (await redis.get(keys.device(deviceId).lastHolder)) ?? '';
}

/**
 * Why nobody holds a device's lease: it is `new`, or was `let_go`, so that nobody is connected for it; or the lease
 * `ran_out`, perhaps only because Redis was away, and its holder may still be connected.
 */
export type Vacancy = 'new' | 'let_go' | 'ran_out';

export function toVacancy(lastHolder: LastHolder): Vacancy {
  if (lastHolder === '') return 'new';
  return lastHolder.startsWith('#') ? 'let_go' : 'ran_out';
}
