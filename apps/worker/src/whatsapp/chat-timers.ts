import type { DeviceKeys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { BoundedCache } from './bounded-cache.ts';
import type { OwnedWriter } from './credentials/owned-writer.ts';
import type { ChatTimer } from './inbound.ts';

/** The disappearing timers of chats, as far as something that arrived has told them. */
export interface ChatTimers {
  /** Seconds; undefined: not known, or off. */
  find(chat: string): Promise<number | undefined>;
  learn(timer: ChatTimer): Promise<void>;
}

const CACHED_CHATS = 10_000;

/** What was read or written is remembered, which is sound because only the lease's holder writes. */
export function createChatTimers(redis: Redis, device: DeviceKeys, writer: OwnedWriter): ChatTimers {
  const key = device.timers;
  // 0: not known, or off.
  const cache = new BoundedCache<number>(CACHED_CHATS);
  return {
    async find(chat) {
      if (!cache.has(chat)) {
        const stored = Number((await redis.hget(key, chat)) ?? 0);
        // What was learned meanwhile is newer.
        if (!cache.has(chat)) cache.set(chat, stored);
      }
      return cache.get(chat) || undefined;
    },
    async learn({ chats, seconds }) {
      const stored = await redis.hmget(key, ...chats);
      for (const chat of chats) cache.set(chat, seconds);
      if (stored.every((value) => Number(value ?? 0) === seconds)) return;
      if (seconds === 0) return writer.write([{ command: 'HDEL', key, fields: chats }]);
      await writer.write([{ command: 'HSET', key, fields: chats.map((chat) => [chat, String(seconds)]) }]);
    },
  };
}
