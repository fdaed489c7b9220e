import { createScript, type Keys, readUnsettled } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';

/** A lane with messages that have not settled. */
export interface LaneState {
  deviceId: string;
  /** Whether a worker holds the device's lease. */
  isOwned: boolean;
  /** Whether an operator has paused it. */
  isPaused: boolean;
  /** Whether the owner last said that the device can send. */
  isConnected: boolean;
  waiting: number;
  active: number;
  /** When its oldest message was accepted, in Unix milliseconds; undefined when no job is left. */
  oldestAt: number | undefined;
}

// KEYS: lease, device record, wait, active, paused; the messages' records begin with ARGV[1] and share their hash tag.
const look = createScript<[number, string, number, number, string, number]>(`
local oldest = redis.call('LINDEX', KEYS[4], -1) or redis.call('LINDEX', KEYS[3], -1)
return {
  redis.call('EXISTS', KEYS[1]),
  redis.call('HGET', KEYS[2], 'connection') or '',
  redis.call('LLEN', KEYS[3]),
  redis.call('LLEN', KEYS[4]),
  oldest and redis.call('HGET', ARGV[1] .. oldest, 'created_at') or '',
  redis.call('EXISTS', KEYS[5]),
}`);

/** Commands in flight: few enough that their answers do not keep the event loop busy in one go. */
const AT_ONCE = 50;

/** Looks at every lane that has unsettled messages: one command in all, and one more for each such lane. */
export async function readBacklog(redis: Redis, keys: Keys): Promise<LaneState[]> {
  const deviceIds = [...(await readUnsettled(redis, keys)).keys()];
  const lanes: LaneState[] = [];
  for (let from = 0; from < deviceIds.length; from += AT_ONCE) {
    lanes.push(...(await Promise.all(deviceIds.slice(from, from + AT_ONCE).map((id) => readLane(redis, keys, id)))));
  }
  return lanes;
}

async function readLane(redis: Redis, keys: Keys, deviceId: string): Promise<LaneState> {
  const device = keys.device(deviceId);
  const { wait, active } = toLaneKeys(keys, deviceId);
  const found = await look(redis, [device.lease, device.record, wait, active, device.lanePaused], [device.message('')]);
  const [owned, connection, waiting, inHand, createdAt, paused] = found;
  return {
    deviceId,
    isOwned: owned === 1,
    isPaused: paused === 1,
    isConnected: connection.includes('"state":"connected"'),
    waiting,
    active: inHand,
    oldestAt: createdAt === '' ? undefined : Number(createdAt),
  };
}
