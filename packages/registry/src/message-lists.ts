import type { MessageRecord, MessageState } from '@postern/contract';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { toMessageRecord } from './message-record.ts';
import { type IndexEntry, NewestFirst, toIndexEntries } from './newest-first.ts';
import { skipUnreadable } from './unreadable.ts';

export interface MessagePage {
  /** Newest first. */
  messages: MessageRecord[];
  /** Asks for the next page; absent on the last one. */
  cursor?: string;
}

export interface MessageLists {
  /** A page of these devices' messages, newest first, of one state if it is given, without those that cannot be read. */
  page(
    deviceIds: string[],
    query: { limit: number; state?: MessageState | undefined; cursor?: string | undefined },
  ): Promise<MessagePage>;
  /** Ids of the device's newest messages of a kind, newest first, from `since` on, with when that was. */
  recent(
    deviceId: string,
    kind: RecentKind,
    query: { since: number; limit: number },
  ): Promise<{ messageId: string; at: number }[]>;
}

/** Which messages: the ones accepted, or the ones that failed, since a time in Unix milliseconds. */
export type RecentKind = 'accepted' | 'failed';

/** How many index entries one page may look at when it filters by state, for each message that is asked for. */
const LOOKS_PER_MESSAGE = 20;
const DEVICES_AT_ONCE = 500;

export interface MessageListsOptions {
  /** Told of each message that is left out of a page. */
  onUnreadable: (error: unknown) => void;
}

export function createMessageLists(
  redis: Redis,
  keys: Keys,
  { onUnreadable }: MessageListsOptions = { onUnreadable: () => {} },
): MessageLists {
  /** Devices that may have messages of this state. */
  const keepLikely = async (deviceIds: string[], state: MessageState | undefined): Promise<string[]> => {
    if (state !== 'failed' || deviceIds.length === 1) return deviceIds;
    const likely: string[] = [];
    for (let first = 0; first < deviceIds.length; first += DEVICES_AT_ONCE) {
      const some = deviceIds.slice(first, first + DEVICES_AT_ONCE);
      const found = await Promise.all(some.map((deviceId) => redis.exists(keys.device(deviceId).failures)));
      likely.push(...some.filter((_, index) => found[index] === 1));
    }
    return likely;
  };

  const readRecord = async ({ deviceId, messageId }: IndexEntry, state: MessageState | undefined) => {
    const key = keys.device(deviceId).message(messageId);
    // Of those that are left out only the state is read.
    if (state !== undefined && (await redis.hget(key, 'state')) !== state) return undefined;
    const record = toMessageRecord(await redis.hgetall(key));
    return record && (state === undefined || record.state === state) ? record : undefined;
  };

  return {
    async recent(deviceId, kind, { since, limit }) {
      const own = keys.device(deviceId);
      const index = kind === 'failed' ? own.failures : own.messageIndex;
      const reply = await redis.zrevrangebyscore(index, '+inf', since, 'WITHSCORES', 'LIMIT', 0, limit);
      return toIndexEntries(deviceId, reply).map(({ messageId, createdAt }) => ({ messageId, at: createdAt }));
    },
    async page(deviceIds, { limit, state, cursor }) {
      const messages: MessageRecord[] = [];
      let after = cursor === undefined ? undefined : parseCursor(cursor);
      const likely = await keepLikely(deviceIds, state);
      const list = new NewestFirst(redis, keys, { deviceIds: likely, after, wanted: limit + 1 });
      for (let looks = 0; looks < LOOKS_PER_MESSAGE * limit; looks += limit + 1) {
        const entries = await list.take(limit + 1);
        const records = await Promise.all(
          entries.map((entry) => skipUnreadable(readRecord(entry, state), onUnreadable)),
        );
        for (const [index, entry] of entries.entries()) {
          if (messages.length === limit) return { messages, cursor: toCursor(after) };
          after = entry;
          const record = records[index];
          if (record) messages.push(record);
        }
        if (entries.length <= limit) return { messages };
      }
      return after === undefined ? { messages } : { messages, cursor: toCursor(after) };
    },
  };
}

function toCursor(entry: Pick<IndexEntry, 'createdAt' | 'messageId'> | undefined): string {
  return entry === undefined ? '' : `${entry.createdAt}-${entry.messageId}`;
}

function parseCursor(text: string): Pick<IndexEntry, 'createdAt' | 'messageId'> {
  const [createdAt = '', messageId = ''] = text.split('-');
  return { messageId, createdAt: Number(createdAt) };
}
