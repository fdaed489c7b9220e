import type { Keys } from '@postern/registry';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { openLaneQueue } from './lane-queue.ts';

/**
 * Queue objects of lanes, kept while they are used: each costs a little memory and one write of its lane's meta key when it
 * is made. At most `limit`; the least recently used go first.
 */
export class OpenQueues {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #limit: number;
  /** The most recently used last. */
  readonly #queues = new Map<string, Promise<Queue>>();

  constructor(redis: Redis, keys: Keys, limit: number) {
    this.#redis = redis;
    this.#keys = keys;
    this.#limit = limit;
  }

  of(deviceId: string): Promise<Queue> {
    const queue = this.#queues.get(deviceId) ?? this.#open(deviceId);
    this.#queues.delete(deviceId);
    this.#queues.set(deviceId, queue);
    const [oldest] = this.#queues;
    if (this.#queues.size > this.#limit && oldest) {
      this.#queues.delete(oldest[0]);
      close(oldest[1]).catch(() => {});
    }
    return queue;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(close));
    this.#queues.clear();
  }

  async #open(deviceId: string): Promise<Queue> {
    const queue = await openLaneQueue(this.#redis, this.#keys, deviceId);
    return queue.on('error', () => {});
  }
}

async function close(queue: Promise<Queue>): Promise<void> {
  await (await queue).close();
}
