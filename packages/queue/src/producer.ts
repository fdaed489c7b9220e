import { JOBS, type JobName, type SendImageJob } from '@postern/contract';
import { type Keys, readOwner } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';
import { postMail } from './mailbox.ts';
import { OpenQueues } from './open-queues.ts';

export interface Producer {
  /**
   * Adds the job to its device's lane under the message's id; adding it again while it waits changes nothing. When this
   * rejects by a time-out the job may nevertheless be there.
   */
  enqueue(job: SendImageJob): Promise<void>;
  /** How many messages of the device wait for the worker. */
  depth(deviceId: string): Promise<number>;
  stop(): Promise<void>;
}

const MAX_OPEN_QUEUES = 1000;

/** How many messages wait in each lane, in the order given. */
export function readDepths(redis: Redis, keys: Keys, deviceIds: string[]): Promise<number[]> {
  // Not a pipeline: the lanes are in many slots.
  return Promise.all(deviceIds.map((deviceId) => redis.llen(toLaneKeys(keys, deviceId).wait)));
}

/** Puts messages into lanes. The connection stays the caller's. */
export function createProducer({ redis, keys }: { redis: Redis; keys: Keys }): Producer {
  const queues = new OpenQueues(redis, keys, MAX_OPEN_QUEUES);

  /** Tells the owner that something waits, if its lane is closed. Only a hint: owners also look by themselves. */
  const wake = async (deviceId: string) => {
    if ((await redis.exists(keys.device(deviceId).laneOpen)) === 1) return;
    const owner = await readOwner(redis, keys, deviceId);
    if (owner !== undefined) await postMail(redis, keys, owner, { type: 'lane_filled', device_id: deviceId });
  };

  return {
    async enqueue(job) {
      const name: JobName = 'send-image';
      await queues.of(job.device_id).add(name, JOBS[name].parse(job), { jobId: job.message_id });
      await wake(job.device_id).catch(() => {});
    },
    depth: (deviceId) => redis.llen(toLaneKeys(keys, deviceId).wait),
    stop: () => queues.stop(),
  };
}
