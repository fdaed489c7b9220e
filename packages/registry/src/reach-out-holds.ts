import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { createDrainingScript, setDraining } from './script.ts';

/**
 * WhatsApp's refusal (its 463) to let an account write to people it has never written to. While a device is held, only
 * chats it knows may be written to.
 */
export interface ReachOutHolds {
  hold(deviceId: string, ms: number): Promise<void>;
  /** For how many milliseconds more; 0 when it is not held. */
  heldFor(deviceId: string): Promise<number>;
  /** Remembers a chat that was written to with success, or that wrote to us. */
  remember(deviceId: string, chat: string): Promise<void>;
  knows(deviceId: string, chat: string): Promise<boolean>;
}

/** Chats remembered per device; the oldest go first. */
const MAX_CHATS = 100_000;

// KEYS: known chats. ARGV: now, chat.
const remember = createDrainingScript<number>(`
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
return redis.call('ZREMRANGEBYRANK', KEYS[1], 0, ${-MAX_CHATS - 1})`);

export function createReachOutHolds(redis: Redis, keys: Keys): ReachOutHolds {
  return {
    async hold(deviceId, ms) {
      await setDraining(redis, [keys.device(deviceId).reachOutHold], ['1', 'PX', ms]);
    },
    async heldFor(deviceId) {
      return Math.max(0, await redis.pttl(keys.device(deviceId).reachOutHold));
    },
    async remember(deviceId, chat) {
      await remember(redis, [keys.device(deviceId).knownChats], [Date.now(), chat]);
    },
    async knows(deviceId, chat) {
      return (await redis.zscore(keys.device(deviceId).knownChats, chat)) !== null;
    },
  };
}
