import type { DeviceRecord, FailureRecord } from '@postern/contract';
import { createScript, type Keys, toDeviceRecord, toOwner, toStoredFailure } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';
import { toHash } from './to-hash.ts';

/** A device and its lane as they are now. Times are Unix milliseconds. */
export interface LaneStatus {
  device: DeviceRecord;
  /** The worker that holds the device's lease. */
  owner: string | undefined;
  pausedSince: number | undefined;
  waiting: number;
  active: number;
  /** When the oldest message that waits or is in hand was accepted. */
  oldestAt: number | undefined;
  /** How many messages settled within the last minute, from counts by the minute. */
  settledPerMinute: number;
  /** The last failure of a message that has not been sent since. */
  lastFailure: (FailureRecord & { messageId: string; at: number }) | undefined;
  /** The message that was accepted last. */
  newest: { messageId: string; at: number } | undefined;
}

// KEYS: device record, lease, wait, active, paused, settled by minute, failures, messages; the messages' records begin with
// ARGV[1] and share their hash tag.
const look = createScript<Looked>(`
local oldest = redis.call('LINDEX', KEYS[4], -1) or redis.call('LINDEX', KEYS[3], -1)
local failure = redis.call('ZREVRANGE', KEYS[7], 0, 0, 'WITHSCORES')
return {
  redis.call('HGETALL', KEYS[1]),
  redis.call('GET', KEYS[2]) or '',
  redis.call('LLEN', KEYS[3]),
  redis.call('LLEN', KEYS[4]),
  oldest and redis.call('HGET', ARGV[1] .. oldest, 'created_at') or '',
  redis.call('GET', KEYS[5]) or '',
  redis.call('HGETALL', KEYS[6]),
  failure,
  failure[1] and redis.call('HGET', ARGV[1] .. failure[1], 'error') or '',
  redis.call('ZREVRANGE', KEYS[8], 0, 0, 'WITHSCORES'),
}`);
type Looked = [string[], string, number, number, string, string, string[], string[], string, string[]];

const MINUTE_MS = 60_000;

/** Everything that is to be said of a device and its lane, by one command; undefined when there is no such device. Throws UnreadableError. */
export async function readLaneStatus(redis: Redis, keys: Keys, deviceId: string): Promise<LaneStatus | undefined> {
  const own = keys.device(deviceId);
  const { wait, active } = toLaneKeys(keys, deviceId);
  const found = await look(
    redis,
    [own.record, own.lease, wait, active, own.lanePaused, own.settledByMinute, own.failures, own.messageIndex],
    [own.message('')],
  );
  const [record, token, waiting, inHand, oldestAt, paused, settled, failure, error, newest] = found;
  const device = toDeviceRecord(deviceId, toHash(record));
  if (!device) return undefined;
  return {
    device,
    owner: toOwner(token === '' ? null : token),
    pausedSince: paused === '' ? undefined : Number(paused),
    waiting,
    active: inHand,
    oldestAt: oldestAt === '' ? undefined : Number(oldestAt),
    settledPerMinute: toRate(toHash(settled), Date.now()),
    lastFailure: toLastFailure(failure, error),
    newest: newest[0] === undefined ? undefined : { messageId: newest[0], at: Number(newest[1]) },
  };
}

/** The last 60 seconds: this minute, and of the one before the share that they reach into. */
function toRate(settled: Record<string, string>, now: number): number {
  const minute = Math.floor(now / MINUTE_MS);
  const shareBefore = 1 - (now % MINUTE_MS) / MINUTE_MS;
  const count = (which: number) => Number(settled[which] ?? 0);
  return Math.round(count(minute) + count(minute - 1) * shareBefore);
}

function toLastFailure([messageId, at]: string[], json: string): LaneStatus['lastFailure'] {
  if (messageId === undefined || json === '') return undefined;
  try {
    return { ...toStoredFailure(json), messageId, at: Number(at) };
  } catch {
    // Who asks for that message or lists it tells that it cannot be read.
    return undefined;
  }
}
