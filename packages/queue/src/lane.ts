import { JOBS, type SendImageJob } from '@postern/contract';
import type { Keys } from '@postern/registry';
import { delay } from '@postern/runtime';
import { type Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { LANE, toLaneKeys } from './lane-queue.ts';
import { putBackJobs } from './put-back.ts';

export interface LaneOptions {
  /** Shared by all lanes of a worker; each lane opens one more connection for its blocking read. */
  redis: Redis;
  keys: Keys;
  deviceId: string;
  /** Proof of ownership, e.g. `worker-1#7`. */
  leaseToken: string;
  /** How many messages are in hand at once. */
  concurrency: number;
  /**
   * Called in the lane's order, one call right after the other without waiting. The returned promise says that the
   * message is settled, or `released`: not settled here, so that closing the lane returns it to its front. A rejection
   * leaves the job in hand of nobody; the sweep returns it.
   */
  process: (job: SendImageJob) => Promise<'settled' | 'released'>;
  /** A payload that does not parse, with its job id; it is dropped from the lane. */
  onUnreadable: (jobId: string, error: unknown) => void;
  onError: (error: unknown) => void;
}

// Only this lane's owner fetches, and a take-over voids locks by script, so a lock never needs renewing.
const LOCK_MS = 24 * 3_600_000;
// A wake message is only a hint: the blocking read looks anyway after this long.
const DRAIN_DELAY_SECONDS = 5;
const SWEEP_INTERVAL_MS = 10_000;

/**
 * One device's lane being worked by the holder of its lease. It starts paused: `resume` while the device can send,
 * `pause` while it can not, `close` before the lease is released.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #worker: Worker;
  readonly #inHand = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  #running = false;
  #wake: () => void = () => {};
  readonly #loop: Promise<void>;
  readonly #sweeping: Promise<void>;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#worker = new Worker(LANE, null, {
      connection: options.redis,
      prefix: options.keys.device(options.deviceId).lanePrefix,
      autorun: false,
      skipStalledCheck: true,
      lockDuration: LOCK_MS,
      drainDelay: DRAIN_DELAY_SECONDS,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.#worker.on('error', options.onError);
    this.#loop = this.#run();
    this.#sweeping = this.#sweep();
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  resume(): void {
    this.#running = true;
    this.#wake();
  }

  pause(): void {
    this.#running = false;
  }

  /** Resolves when nothing waits and nothing is in hand; the lane must be running. */
  async drained(): Promise<void> {
    const { redis, keys, deviceId } = this.#options;
    const { wait, active } = toLaneKeys(keys, deviceId);
    // A job that is being fetched waits no more and is not in hand yet.
    const left = async () => (await redis.llen(wait)) + (await redis.llen(active));
    while (this.#inHand.size > 0 || (await left()) > 0) await delay(20, this.#closing.signal);
  }

  /**
   * Stops fetching at once, waits at most `graceMs` for what is in hand, and returns what is not settled by then to the
   * front of the lane, in order.
   */
  async close(graceMs: number): Promise<void> {
    this.#running = false;
    this.#closing.abort();
    this.#wake();
    await this.#worker.close(true);
    await Promise.all([this.#loop, this.#sweeping]);
    const settled = Promise.all(this.#inHand.values()).then(() => {});
    const bound = new AbortController();
    await Promise.race([settled, delay(graceMs, bound.signal).catch(() => {})]);
    bound.abort();
    const { redis, keys, deviceId, leaseToken, onError } = this.#options;
    await putBackJobs(redis, keys, { deviceId, token: leaseToken }, { mode: 'all' }).catch(onError);
  }

  async #run(): Promise<void> {
    const token = this.#options.leaseToken;
    while (!this.#closing.signal.aborted) {
      if (!this.#running || this.#inHand.size >= this.#options.concurrency) {
        await this.#untilWoken();
        continue;
      }
      try {
        const job = await this.#worker.getNextJob(token, { block: true });
        if (job && (await this.#isNext(job.id ?? ''))) await this.#take(job, token);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#options.onError(error);
        await delay(500, this.#closing.signal).catch(() => {});
      }
    }
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = () => {};
        resolve();
      };
    });
  }

  /**
   * Whether nothing that should go before the fetched job is active and in nobody's hand. Such a job was fetched when the
   * answer was lost with the connection and the question asked again, or by a former owner that did not know better. It
   * goes back together with the fetched one, so that both are fetched again in their order.
   */
  async #isNext(fetched: string): Promise<boolean> {
    const { redis, keys, deviceId } = this.#options;
    const active = await redis.lrange(toLaneKeys(keys, deviceId).active, 0, -1);
    const orphans = active.filter((id) => !this.#inHand.has(id));
    if (orphans.every((id) => id === fetched)) return true;
    await this.#putBack(orphans);
    return false;
  }

  async #take(job: Job, token: string): Promise<void> {
    const id = job.id ?? '';
    // The device went away, or the lane is closing, while the read was blocked.
    if (!this.#running) return this.#putBack([id]);
    const parsed = JOBS['send-image'].safeParse(job.data);
    if (!parsed.success) {
      this.#options.onUnreadable(id, parsed.error);
      return this.#discard(id);
    }
    const handled = this.#handle(job, parsed.data, token).finally(() => {
      this.#inHand.delete(id);
      this.#wake();
    });
    this.#inHand.set(id, handled);
  }

  async #handle(job: Job, payload: SendImageJob, token: string): Promise<void> {
    try {
      const outcome = await this.#options.process(payload);
      if (outcome === 'settled') await job.moveToCompleted(null, token, false);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  async #putBack(ids: string[]): Promise<void> {
    const { redis, keys, deviceId, leaseToken } = this.#options;
    await putBackJobs(redis, keys, { deviceId, token: leaseToken }, { mode: 'only', ids });
  }

  /** Not BullMQ's way: what cannot be read may lack its payload, and would be refused and fetched again for ever. */
  async #discard(id: string): Promise<void> {
    const { redis, keys, deviceId } = this.#options;
    const { active, jobPrefix } = toLaneKeys(keys, deviceId);
    await redis.lrem(active, 0, id);
    await redis.del(`${jobPrefix}${id}`, `${jobPrefix}${id}:lock`);
  }

  /**
   * Returns to the lane what is marked active and in nobody's hand: a settle or a put-back that Redis did not take. Only
   * what two looks in a row find, because a job that is being fetched is not in hand yet.
   */
  async #sweep(): Promise<void> {
    const { redis, keys, deviceId } = this.#options;
    let suspects = new Set<string>();
    while (!this.#closing.signal.aborted) {
      await delay(SWEEP_INTERVAL_MS, this.#closing.signal).catch(() => {});
      if (this.#closing.signal.aborted) return;
      try {
        const active = await redis.lrange(toLaneKeys(keys, deviceId).active, 0, -1);
        const orphans = active.filter((id) => !this.#inHand.has(id));
        const ids = orphans.filter((id) => suspects.has(id));
        if (ids.length > 0) await this.#putBack(ids);
        suspects = new Set(orphans);
      } catch (error) {
        this.#options.onError(error);
      }
    }
  }
}
