import { JOBS, type SendImageJob } from '@postern/contract';
import { announceMessage, type Keys, removeDeadlines, toTtlMs } from '@postern/registry';
import type { Redis } from 'ioredis';
import { type AcceptedJob, acceptJob } from './accept-job.ts';
import { toLaneKeys } from './lane-queue.ts';
import { postMail } from './mailbox.ts';

export interface Producer {
  /**
   * Makes a message known before it is accepted. Nothing is sent for it until then. Answers the job with its times by
   * Redis' clock, which is everybody's: accepted now, waiting as long as it says, or as announced before.
   */
  announce(job: SendImageJob): Promise<SendImageJob>;
  /**
   * Writes the message's record and puts its job into its device's lane, under the message's id, in one step; what is
   * there already stays. `limit` bounds how many messages may wait; `full` and `gone` (the device was removed) mean that
   * nothing was accepted. When this rejects by a time-out the message may nevertheless be accepted.
   */
  accept(job: SendImageJob, limit?: number): Promise<Omit<AcceptedJob, 'toWake'>>;
}

/** How many messages wait in each lane, in the order given. */
export function readDepths(redis: Redis, keys: Keys, deviceIds: string[]): Promise<number[]> {
  // Not a pipeline: the lanes are in many slots.
  return Promise.all(deviceIds.map((deviceId) => redis.llen(toLaneKeys(keys, deviceId).wait)));
}

/** Puts messages into lanes. */
export function createProducer(redis: Redis, keys: Keys, { recordTtlMs }: { recordTtlMs: number }): Producer {
  return {
    async announce(job) {
      const waitsMs = job.expires_at - job.accepted_at;
      const expiresAt = await announceMessage(redis, keys, job, {
        deadline: { ttlMs: waitsMs },
        ttlMs: toTtlMs({ created_at: job.accepted_at, expires_at: job.expires_at }, recordTtlMs),
      });
      return { ...job, accepted_at: expiresAt - waitsMs, expires_at: expiresAt };
    },
    async accept(job, limit = 0) {
      const payload = JOBS['send-image'].parse(job);
      const { outcome, waiting, toWake } = await acceptJob(redis, keys, payload, { recordTtlMs, limit });
      // Else the reconciler drops it.
      if (outcome === 'gone') await removeDeadlines(redis, keys, job.device_id, [job.message_id]).catch(() => {});
      // A hint: the owner also looks by itself.
      if (toWake !== undefined) {
        postMail(redis, keys, toWake, { type: 'lane_filled', device_id: job.device_id }).catch(() => {});
      }
      return { outcome, waiting };
    },
  };
}
