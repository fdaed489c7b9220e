import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** Sessions of the pages, so that every gateway knows one and none does once it has ended. */
export interface Sessions {
  /** Keeps what the session stands for until its time is over. */
  begin(token: string, holder: string, ttlMs: number): Promise<void>;
  /** What it stands for; undefined when there is no such session any more. */
  holderOf(token: string): Promise<string | undefined>;
  end(token: string): Promise<void>;
}

/** Only a hash of a token is stored: whoever reads Redis cannot use the sessions that he finds. */
export function createSessions(redis: Redis, keys: Keys): Sessions {
  const keyOf = (token: string) => keys.session(createHash('sha256').update(token).digest('hex'));
  return {
    async begin(token, holder, ttlMs) {
      await redis.set(keyOf(token), holder, 'PX', ttlMs);
    },
    async holderOf(token) {
      return (await redis.get(keyOf(token))) ?? undefined;
    },
    async end(token) {
      await redis.del(keyOf(token));
    },
  };
}
