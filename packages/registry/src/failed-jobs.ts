import { type SendImageJob, sendImageJob } from '@postern/contract';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { setDraining } from './script.ts';

/** The jobs of failed messages, kept for a while so that they can be sent again. */
export interface FailedJobs {
  /** Keeps the job for the time that is configured; with none, does nothing. */
  keep(job: SendImageJob): Promise<void>;
  find(deviceId: string, messageId: string): Promise<SendImageJob | undefined>;
  /** Whether the job is kept; with it, its blob must be. */
  isKept(deviceId: string, messageId: string): Promise<boolean>;
  /** Until when it is kept, as a whole second in Unix milliseconds; undefined when it is not. */
  keptUntil(deviceId: string, messageId: string): Promise<number | undefined>;
}

export function createFailedJobs(redis: Redis, keys: Keys, { ttlMs }: { ttlMs: number }): FailedJobs {
  const keyOf = (deviceId: string, messageId: string) => keys.device(deviceId).failedJob(messageId);
  return {
    async keptUntil(deviceId, messageId) {
      const leftMs = await redis.pttl(keyOf(deviceId, messageId));
      return leftMs < 0 ? undefined : Math.floor((Date.now() + leftMs) / 1000) * 1000;
    },
    async keep(job) {
      if (ttlMs > 0)
        await setDraining(redis, [keyOf(job.device_id, job.message_id)], [JSON.stringify(job), 'PX', ttlMs]);
    },
    async find(deviceId, messageId) {
      const json = await redis.get(keyOf(deviceId, messageId));
      return json === null ? undefined : sendImageJob.parse(JSON.parse(json));
    },
    isKept: async (deviceId, messageId) => (await redis.exists(keyOf(deviceId, messageId))) === 1,
  };
}
