import type { MessageRecord, MessageState } from '@postern/contract';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { toMessageRecord } from './messages.ts';

export interface MessagePage {
  /** Newest first. */
  messages: MessageRecord[];
  /** Asks for the next page; absent on the last one. */
  cursor?: string;
}

export interface MessageLists {
  /** A page of these devices' messages, newest first, of one state if it is given. */
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

interface Entry {
  deviceId: string;
  messageId: string;
  createdAt: number;
}

/** How many index entries one page may look at when it filters by state. */
const MAX_ROUNDS = 20;

export function createMessageLists(redis: Redis, keys: Keys): MessageLists {
  /** The next entries of all devices after the cursor, merged. */
  const readEntries = async (deviceIds: string[], after: Entry | undefined, count: number): Promise<Entry[]> => {
    const from = after?.createdAt ?? '+inf';
    const readIndex = async (deviceId: string) => {
      const { messageIndex } = keys.device(deviceId);
      // Entries of the cursor's own millisecond come again and are dropped below.
      const range = [from, '-inf', 'WITHSCORES', 'LIMIT', 0, count + 50] as const;
      return toEntries(deviceId, await redis.zrevrangebyscore(messageIndex, ...range));
    };
    // Not a pipeline: the devices' keys are in many slots.
    const entries = (await Promise.all(deviceIds.map(readIndex))).flat();
    const sorted = entries.sort(compare);
    return (after ? sorted.filter((entry) => compare(entry, after) > 0) : sorted).slice(0, count);
  };

  const readRecords = (entries: Entry[]) =>
    Promise.all(
      entries.map(async ({ deviceId, messageId }) =>
        toMessageRecord(await redis.hgetall(keys.device(deviceId).message(messageId))),
      ),
    );

  return {
    async recent(deviceId, kind, { since, limit }) {
      const own = keys.device(deviceId);
      const index = kind === 'failed' ? own.failures : own.messageIndex;
      const reply = await redis.zrevrangebyscore(index, '+inf', since, 'WITHSCORES', 'LIMIT', 0, limit);
      return toEntries(deviceId, reply).map(({ messageId, createdAt }) => ({ messageId, at: createdAt }));
    },
    async page(deviceIds, { limit, state, cursor }) {
      const messages: MessageRecord[] = [];
      let after = cursor === undefined ? undefined : parseCursor(cursor);
      for (let round = 0; round < MAX_ROUNDS && deviceIds.length > 0; round += 1) {
        const entries = await readEntries(deviceIds, after, limit + 1);
        const records = await readRecords(entries);
        for (const [index, entry] of entries.entries()) {
          if (messages.length === limit) return { messages, cursor: toCursor(after) };
          after = entry;
          const record = records[index];
          if (record && (state === undefined || record.state === state)) messages.push(record);
        }
        if (entries.length <= limit) return { messages };
      }
      return after === undefined ? { messages } : { messages, cursor: toCursor(after) };
    },
  };
}

/** Newest first, then by id. */
function compare(a: Entry, b: Entry): number {
  return b.createdAt - a.createdAt || (a.messageId < b.messageId ? 1 : a.messageId > b.messageId ? -1 : 0);
}

function toEntries(deviceId: string, reply: string[]): Entry[] {
  const entries: Entry[] = [];
  for (let index = 0; index + 1 < reply.length; index += 2) {
    entries.push({ deviceId, messageId: reply[index] ?? '', createdAt: Number(reply[index + 1]) });
  }
  return entries;
}

function toCursor(entry: Entry | undefined): string {
  return entry === undefined ? '' : `${entry.createdAt}-${entry.messageId}`;
}

function parseCursor(text: string): Entry {
  const [createdAt = '', messageId = ''] = text.split('-');
  return { deviceId: '', messageId, createdAt: Number(createdAt) };
}
