import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { createDrainingScript } from './script.ts';

/**
 * Lanes that an operator has paused: nothing more is taken in hand, and what is accepted waits. The flag belongs to the
 * device, whoever owns it; BullMQ knows nothing of it.
 */
export interface LanePauses {
  /** Answers since when the lane is paused, in Unix milliseconds; undefined when there is no such device. */
  pause(deviceId: string): Promise<number | undefined>;
  resume(deviceId: string): Promise<void>;
  isPaused(deviceId: string): Promise<boolean>;
}

// KEYS: device record, flag. ARGV: now. A device that is removed meanwhile leaves no flag behind.
const pause = createDrainingScript<string | null>(`
if redis.call('HEXISTS', KEYS[1], 'created_at') == 0 or redis.call('HEXISTS', KEYS[1], 'removed_at') == 1 then return false end
redis.call('SET', KEYS[2], ARGV[1], 'NX')
return redis.call('GET', KEYS[2])`);

export function createLanePauses(redis: Redis, keys: Keys): LanePauses {
  return {
    async pause(deviceId) {
      const { record, lanePaused } = keys.device(deviceId);
      const since = await pause(redis, [record, lanePaused], [Date.now()]);
      return since === null ? undefined : Number(since);
    },
    async resume(deviceId) {
      await redis.del(keys.device(deviceId).lanePaused);
    },
    isPaused: async (deviceId) => (await redis.exists(keys.device(deviceId).lanePaused)) === 1,
  };
}
