import type { DeviceKeys } from '@postern/registry';
import type { Redis } from 'ioredis';
import type { OwnedWriter } from './credentials/owned-writer.ts';
import type { ChatTimer } from './inbound.ts';

/** The disappearing timers of chats, as far as something that arrived has told them. */
export interface ChatTimers {
  /** Seconds; undefined: not known, or off. */
  find(chat: string): Promise<number | undefined>;
  learn(timer: ChatTimer): Promise<void>;
}

export function createChatTimers(redis: Redis, device: DeviceKeys, writer: OwnedWriter): ChatTimers {
  const key = device.timers;
  return {
    async find(chat) {
      const seconds = Number(await redis.hget(key, chat));
      return seconds > 0 ? seconds : undefined;
    },
    async learn({ chats, seconds }) {
      const known = await redis.hmget(key, ...chats);
      if (known.every((value) => Number(value ?? 0) === seconds)) return;
      if (seconds === 0) return writer.write([{ command: 'HDEL', key, fields: chats }]);
      await writer.write([{ command: 'HSET', key, fields: chats.map((chat) => [chat, String(seconds)]) }]);
    },
  };
}
