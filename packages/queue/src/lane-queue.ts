import type { SendImageJob } from '@postern/contract';
import { createDrainingScript, type Keys } from '@postern/registry';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { readTakenJob } from './read-taken-job.ts';

/** The name of every lane's queue; the device is in the prefix, under its hash tag. */
const LANE = 'lane';

/**
 * Opens the BullMQ queue of one device. BullMQ, some 15 MB of memory, is loaded by the first call: neither accepting nor
 * working a message needs it. The events stream is kept empty: nothing reads it, and its default cap of 10,000
 * entries is 1.22 MB a lane. Every construction must set it, because each one writes it anew.
 */
export async function openLaneQueue(redis: Redis, keys: Keys, deviceId: string): Promise<Queue> {
  const { Queue } = await import('bullmq');
  return new Queue(LANE, {
    connection: redis,
    prefix: keys.device(deviceId).lanePrefix,
    streams: { events: { maxLen: 0 } },
    defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    skipWaitingForReady: true,
    // It would ask any node of a cluster, also one that is down, and the queue would stay broken.
    skipVersionCheck: true,
  });
}

/** The keys of a lane that our own scripts touch. */
export function toLaneKeys(keys: Keys, deviceId: string) {
  const base = `${keys.device(deviceId).lanePrefix}:${LANE}`;
  return {
    wait: `${base}:wait`,
    active: `${base}:active`,
    stalled: `${base}:stalled`,
    marker: `${base}:marker`,
    meta: `${base}:meta`,
    jobPrefix: `${base}:`,
  };
}

/** Whether the lane has the message's job, waiting or in hand. */
export async function hasJob(redis: Redis, keys: Keys, deviceId: string, messageId: string): Promise<boolean> {
  return (await redis.exists(toLaneKeys(keys, deviceId).jobPrefix + messageId)) === 1;
}

/** The message's job, waiting or in hand; undefined when the lane has none that can be read. */
export async function readJob(
  redis: Redis,
  keys: Keys,
  deviceId: string,
  messageId: string,
): Promise<SendImageJob | undefined> {
  const json = await redis.hget(toLaneKeys(keys, deviceId).jobPrefix + messageId, 'data');
  const job = readTakenJob({ kind: '', json: json ?? '', record: [], damage: '' });
  return 'payload' in job ? job.payload : undefined;
}

// KEYS: wait, job, lock. ARGV: job id. A job in somebody's hand has a lock.
const remove = createDrainingScript<number>(`
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('LREM', KEYS[1], -1, ARGV[1])
return redis.call('DEL', KEYS[2])`);

/** Takes a waiting job out of its lane; one that is in hand or gone stays as it is. */
export async function removeJob(redis: Redis, keys: Keys, deviceId: string, messageId: string): Promise<void> {
  const { wait, jobPrefix } = toLaneKeys(keys, deviceId);
  const job = jobPrefix + messageId;
  await remove(redis, [wait, job, `${job}:lock`], [messageId]);
}
