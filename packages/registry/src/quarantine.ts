import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** Pictures that no worker touches any more, by the SHA-256 of their bytes, because they ended the process that prepared them. */
export interface Quarantine {
  add(sha256: string): Promise<void>;
  has(sha256: string): Promise<boolean>;
}

/** 24 hours, in milliseconds: what is sent again after that is tried again, by a version that may know better. */
const QUARANTINE_TTL_MS = 24 * 3_600_000;

export function createQuarantine(redis: Redis, keys: Keys): Quarantine {
  return {
    async add(sha256) {
      await redis.set(keys.quarantined(sha256), '1', 'PX', QUARANTINE_TTL_MS);
    },
    has: async (sha256) => (await redis.exists(keys.quarantined(sha256))) === 1,
  };
}
