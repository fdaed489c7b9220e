import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** A message in its device's index. */
export interface IndexEntry {
  deviceId: string;
  messageId: string;
  /** Unix milliseconds. */
  createdAt: number;
}

/** The next entries of one device, newest first. */
interface Head {
  deviceId: string;
  entries: IndexEntry[];
  /** How many entries were asked for; 0: there are none behind these. */
  batch: number;
}

/** Devices that are asked at once: more would keep Redis from answering others in time. */
const DEVICES_AT_ONCE = 500;

export interface NewestFirstOptions {
  deviceIds: readonly string[];
  /** Only what comes after this one. */
  after: Pick<IndexEntry, 'createdAt' | 'messageId'> | undefined;
  /** How many entries are wanted of all devices together, about. */
  wanted: number;
}

/** Walks the message indexes of many devices as one list, reading of each no more than it comes to. */
export class NewestFirst {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #options: NewestFirstOptions;
  /** Those that have entries, the one with the newest last. */
  #heads: Head[] | undefined;

  constructor(redis: Redis, keys: Keys, options: NewestFirstOptions) {
    this.#redis = redis;
    this.#keys = keys;
    this.#options = options;
  }

  /** Up to so many of the next entries; fewer only at the end. */
  async take(count: number): Promise<IndexEntry[]> {
    this.#heads ??= await this.#begin();
    const taken: IndexEntry[] = [];
    while (taken.length < count) {
      const head = this.#heads.pop();
      const entry = head?.entries.shift();
      if (!head || !entry) break;
      taken.push(entry);
      if (head.entries.length === 0 && head.batch > 0) await this.#read(head, entry, 2 * head.batch);
      this.#put(this.#heads, head);
    }
    return taken;
  }

  async #begin(): Promise<Head[]> {
    const { deviceIds, after, wanted } = this.#options;
    const batch = Math.max(2, Math.ceil((2 * wanted) / deviceIds.length));
    const heads = deviceIds.map((deviceId): Head => ({ deviceId, entries: [], batch: 0 }));
    // Not a pipeline: the devices' keys are in many slots.
    for (let first = 0; first < heads.length; first += DEVICES_AT_ONCE) {
      const some = heads.slice(first, first + DEVICES_AT_ONCE);
      await Promise.all(some.map((head) => this.#read(head, after, batch)));
    }
    return heads.filter(({ entries }) => entries.length > 0).sort(compareHeads);
  }

  /** Reads what comes after an entry; entries of its own millisecond come again and are dropped. */
  async #read(head: Head, after: NewestFirstOptions['after'], batch: number): Promise<void> {
    const { messageIndex } = this.#keys.device(head.deviceId);
    for (let size = Math.min(batch, this.#options.wanted + 1); ; size *= 2) {
      const range = [after?.createdAt ?? '+inf', '-inf', 'WITHSCORES', 'LIMIT', 0, size] as const;
      const entries = toIndexEntries(head.deviceId, await this.#redis.zrevrangebyscore(messageIndex, ...range));
      head.entries = after ? entries.filter((entry) => compare(entry, after) > 0) : entries;
      head.batch = entries.length < size ? 0 : size;
      if (head.entries.length > 0 || head.batch === 0) return;
    }
  }

  /** Puts the head where it belongs by its newest entry. */
  #put(heads: Head[], head: Head): void {
    if (head.entries.length === 0) return;
    let [from, to] = [0, heads.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const other = heads[middle];
      if (other && compareHeads(other, head) < 0) from = middle + 1;
      else to = middle;
    }
    heads.splice(from, 0, head);
  }
}

export function toIndexEntries(deviceId: string, reply: string[]): IndexEntry[] {
  const entries: IndexEntry[] = [];
  for (let index = 0; index + 1 < reply.length; index += 2) {
    entries.push({ deviceId, messageId: reply[index] ?? '', createdAt: Number(reply[index + 1]) });
  }
  return entries;
}

type Place = Pick<IndexEntry, 'createdAt' | 'messageId'>;

/** Newest first, then by id. */
function compare(a: Place, b: Place): number {
  return b.createdAt - a.createdAt || (a.messageId < b.messageId ? 1 : a.messageId > b.messageId ? -1 : 0);
}

/** The head with the newest entry last. */
function compareHeads(a: Head, b: Head): number {
  const [first, second] = [a.entries[0], b.entries[0]];
  return first && second ? compare(second, first) : 0;
}
