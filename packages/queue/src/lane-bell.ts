import { within } from '@postern/runtime';
import type { Redis } from 'ioredis';

/** A missed marker is only late: the lane is looked at anyway after this long. */
const LOOK_SECONDS = 5;
/** How much longer an answer may take before its connection counts as dead. */
const PATIENCE_MS = 2_000;

/** Waits, over a connection of its own, for the marker that BullMQ sets when something was added to a lane. */
export class LaneBell {
  readonly #redis: Redis;
  readonly #marker: string;
  readonly #onError: (error: unknown) => void;
  #reader: Redis | undefined;

  /** The connection is opened by the first wait, as a copy of the one given. */
  constructor(redis: Redis, marker: string, onError: (error: unknown) => void) {
    this.#redis = redis;
    this.#marker = marker;
    this.#onError = onError;
  }

  /** Resolves when something may wait in the lane. Rejects when the connection fails, or with the signal's reason. */
  async rung(signal: AbortSignal): Promise<void> {
    this.#reader ??= this.#redis.duplicate().on('error', this.#onError);
    const overdue = () => {
      this.close();
      return new Error('a blocking read was not answered in time');
    };
    const read = this.#reader.bzpopmin(this.#marker, LOOK_SECONDS);
    await within(read, LOOK_SECONDS * 1000 + PATIENCE_MS, overdue, signal);
  }

  close(): void {
    this.#reader?.disconnect();
    this.#reader = undefined;
  }
}
