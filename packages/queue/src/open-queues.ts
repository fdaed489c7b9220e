import type { Keys } from '@postern/registry';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { createLaneQueue } from './lane-queue.ts';

/**
 * Queue objects of lanes, kept while they are used: each costs a little memory and one write of its lane's meta key when it
 * is made. At most `limit`; the least recently used go first.
 */
export class OpenQueues {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #limit: number;
  /** The most recently used last. */
  readonly #queues = new Map<string, Queue>();

  constructor(redis: Redis, keys: Keys, limit: number) {
    this.#redis = redis;
    this.#keys = keys;
    this.#limit = limit;
  }

  of(deviceId: string): Queue {
    const queue =
      this.#queues.get(deviceId) ?? createLaneQueue(this.#redis, this.#keys, deviceId).on('error', () => {});
    this.#queues.delete(deviceId);
    this.#queues.set(deviceId, queue);
    const [oldest] = this.#queues;
    if (this.#queues.size > this.#limit && oldest) {
      this.#queues.delete(oldest[0]);
      oldest[1].close().catch(() => {});
    }
    return queue;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
    this.#queues.clear();
  }
}
