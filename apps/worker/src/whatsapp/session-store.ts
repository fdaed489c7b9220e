import type { DeviceKeys } from '@postern/registry';
import type { Logger } from '@postern/runtime';
import type { WAMessage } from '@whiskeysockets/baileys';
import type { Redis } from 'ioredis';
import { type ChatTimers, createChatTimers } from './chat-timers.ts';
import type { OwnedWriter } from './credentials/owned-writer.ts';
import type { StateCipher } from './credentials/state-cipher.ts';
import { readInbound } from './inbound.ts';
import { createStoredContents, type StoredContents } from './stored-contents.ts';
import { Turns } from './turns.ts';

const MAX_INBOUND_WAITING = 1000;

/** What one session keeps in Redis besides its keys. */
export interface SessionStore {
  redis: Redis;
  device: DeviceKeys;
  writer: OwnedWriter;
  contents: StoredContents;
  timers: ChatTimers;
  /** Keeps what arrived, in order, in the background; what comes too fast is not kept. */
  keep(messages: readonly WAMessage[], own: string): void;
}

export interface SessionStoreOptions {
  redis: Redis;
  device: DeviceKeys;
  writer: OwnedWriter;
  cipher: StateCipher;
  logger: Logger;
}

export function createSessionStore(options: SessionStoreOptions): SessionStore {
  const { redis, device, writer, logger } = options;
  const contents = createStoredContents(options);
  const timers = createChatTimers(redis, device, writer);
  const turns = new Turns();
  let waiting = 0;
  const keepOne = async (message: WAMessage, own: string) => {
    const { content, timer } = readInbound(message, own);
    if (content) await contents.save(content);
    if (timer) await timers.learn(timer);
  };
  return {
    redis,
    device,
    writer,
    contents,
    timers,
    keep(messages, own) {
      for (const message of messages) {
        if (waiting >= MAX_INBOUND_WAITING) return;
        waiting += 1;
        turns
          .run('', () => keepOne(message, own))
          .catch((err: unknown) => logger.debug({ err }, 'an inbound message was not kept'))
          .finally(() => {
            waiting -= 1;
          });
      }
    },
  };
}
