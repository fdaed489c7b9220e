import { isMessageState, isSettled, type MessageRecord, type SendImageJob } from '@postern/contract';
import type { Keys } from '@postern/registry';
import { delay } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { LaneBell } from './lane-bell.ts';
import { toLaneKeys } from './lane-queue.ts';
import { putBackJobs } from './put-back.ts';
import type { JobProblem, ReadableJob } from './read-taken-job.ts';
import { finishJob } from './settle-jobs.ts';
import { takeJobs } from './take-jobs.ts';

export interface LaneOptions {
  /** Shared by all lanes of a worker; each lane opens one more connection for its blocking read. */
  redis: Redis;
  keys: Keys;
  deviceId: string;
  /** Proof of ownership, e.g. `worker-1#7`. */
  leaseToken: string;
  /** How many messages are in hand at once, apart from those that have lent their slot. */
  concurrency: number;
  /**
   * Called in the lane's order, one call right after the other without waiting, with the message's record as it was when
   * the job was taken, and that moment (Unix milliseconds by Redis' clock). The returned promise says that the message is `settled`, so that its job goes; `finished`: and
   * its job is gone already; or `released`: not settled here, so that closing the lane returns it to its front. After a
   * rejection the job is taken again.
   */
  process: (
    job: SendImageJob,
    record: MessageRecord | undefined,
    takenAt: number,
    lendSlot: LendSlot,
  ) => Promise<'settled' | 'finished' | 'released'>;
  /**
   * A job that cannot be worked here. `parked`: it waits for a worker of a newer version, and goes back to the lane's front
   * when this one lets go of the device. `ended`: it must be taken out of the lane, its message ended.
   */
  onProblem: (messageId: string, problem: JobProblem, fate: 'parked' | 'ended') => Promise<void>;
  onError: (error: unknown) => void;
}

/**
 * Runs work that waits for something outside of this lane (the server of an image), and lets another message take the slot
 * meanwhile, so that a slow one does not hold the device. The slot is taken back at once, whether one is free or not.
 */
export type LendSlot = <T>(work: () => Promise<T>) => Promise<T>;

/** In hand at once, whoever has lent a slot, at most so many times the concurrency. */
const IN_HAND_FACTOR = 4;

/** Until the lane is asked again after a failure, in milliseconds; a job that failed here is taken again no sooner. */
const AFTER_FAILURE_MS = 500;
/** Parked jobs at which a lane takes nothing more: nearly everything is for newer workers then. */
const MAX_PARKED = 100;
/** How often those are looked at then, in milliseconds. */
const PARKED_LOOK_MS = 5_000;

/**
 * One device's lane being worked by the holder of its lease. It starts paused: `resume` while the device can send,
 * `pause` while it can not, `close` before the lease is released.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #bell: LaneBell;
  readonly #inHand = new Map<string, Promise<void>>();
  /** Jobs that only a newer worker can do. */
  readonly #parked = new Map<string, JobProblem>();
  #parks = true;
  readonly #closing = new AbortController();
  #running = false;
  #lent = 0;
  #wake: () => void = () => {};
  /** Whether something may wait that has not been looked for. */
  #mayWait = true;
  readonly #loop: Promise<void>;

  constructor(options: LaneOptions) {
    this.#options = options;
    const { redis, keys, deviceId, onError } = options;
    this.#bell = new LaneBell(redis, toLaneKeys(keys, deviceId).marker, onError);
    this.#loop = this.#run();
  }

  /** With those that are parked. */
  get inHand(): number {
    return this.#inHand.size + this.#parked.size;
  }

  resume(): void {
    this.#running = true;
    this.#mayWait = true;
    this.#wake();
  }

  pause(): void {
    this.#running = false;
  }

  /** Resolves when nothing waits, is in hand or parked: what would be parked is ended. The lane must be running. */
  async drained(): Promise<void> {
    const { redis, keys, deviceId } = this.#options;
    this.#parks = false;
    for (const [id, problem] of this.#parked) {
      await this.#options.onProblem(id, problem, 'ended');
      this.#parked.delete(id);
    }
    this.#wake();
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
    this.#bell.close();
    await this.#loop;
    const settled = Promise.all(this.#inHand.values()).then(() => {});
    const bound = new AbortController();
    await Promise.race([settled, delay(graceMs, bound.signal).catch(() => {})]);
    bound.abort();
    const { redis, keys, deviceId, leaseToken, onError } = this.#options;
    await putBackJobs(redis, keys, { deviceId, token: leaseToken }, { mode: 'all' }).catch(onError);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      if (!this.#running || this.#freeSlots() <= 0) {
        await this.#untilWoken();
        continue;
      }
      try {
        if (this.#parked.size >= MAX_PARKED) await this.#dropParked();
        else if (this.#mayWait) await this.#fetch();
        else {
          await this.#bell.rung(signal);
          this.#mayWait = true;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onError(error);
        this.#mayWait = true;
        await delay(AFTER_FAILURE_MS, signal).catch(() => {});
      }
    }
  }

  /** Takes in hand what waits, as much as may be. */
  async #fetch(): Promise<void> {
    const { redis, keys, deviceId, leaseToken } = this.#options;
    const most = this.#freeSlots();
    const lease = { deviceId, token: leaseToken };
    this.#mayWait = false;
    const inHand = [...this.#inHand.keys(), ...this.#parked.keys()];
    const jobs = await takeJobs(redis, keys, lease, { most, inHand });
    if (!jobs) {
      // Another worker owns the device; this one is about to learn it.
      this.#mayWait = true;
      await delay(AFTER_FAILURE_MS, this.#closing.signal);
      return;
    }
    // Fewer than asked for: nothing waits any more, and the marker will tell of what comes.
    if (jobs.length === most) this.#mayWait = true;
    // The device went away, or the lane is closing.
    if (!this.#running) {
      await putBackJobs(redis, keys, lease, { mode: 'only', ids: jobs.map(({ id }) => id) });
      return;
    }
    // Readable ones first: they begin in the lane's order, whatever the others take.
    const problems = jobs.flatMap(({ id, job, takenAt }) => {
      if (!('payload' in job)) return [{ id, problem: job }];
      this.#inHand.set(id, this.#handle(id, job, takenAt));
      return [];
    });
    for (const { id, problem } of problems) await this.#setAside(id, problem);
  }

  async #setAside(id: string, problem: JobProblem): Promise<void> {
    const isParked = this.#parks && problem.reason === 'unknown';
    if (isParked) this.#parked.set(id, problem);
    await this.#options.onProblem(id, problem, isParked ? 'parked' : 'ended');
  }

  /** Drops parked jobs whose messages have ended meanwhile; without any, waits a while. */
  async #dropParked(): Promise<void> {
    const { redis, keys, deviceId } = this.#options;
    for (const id of this.#parked.keys()) {
      const state = await redis.hget(keys.device(deviceId).message(id), 'state');
      if (state !== null && !(isMessageState(state) && isSettled(state))) continue;
      await this.#finish(id);
      this.#parked.delete(id);
    }
    if (this.#parked.size >= MAX_PARKED) await delay(PARKED_LOOK_MS, this.#closing.signal);
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = () => {};
        resolve();
      };
    });
  }

  async #handle(id: string, { payload, record }: ReadableJob, takenAt: number): Promise<void> {
    try {
      const outcome = await this.#options.process(payload, record, takenAt, (work) => this.#lend(work));
      // It stays in hand, so that it is not taken again before the lane is closed.
      if (outcome === 'released') return;
      if (outcome === 'settled') await this.#finish(id);
    } catch (error) {
      this.#options.onError(error);
      await delay(AFTER_FAILURE_MS, this.#closing.signal).catch(() => {});
      this.#mayWait = true;
    }
    this.#inHand.delete(id);
    this.#wake();
  }

  #freeSlots(): number {
    const { concurrency } = this.#options;
    return Math.min(concurrency + this.#lent, concurrency * IN_HAND_FACTOR) - this.#inHand.size;
  }

  async #lend<T>(work: () => Promise<T>): Promise<T> {
    this.#lent += 1;
    this.#wake();
    try {
      return await work();
    } finally {
      this.#lent -= 1;
    }
  }

  async #finish(id: string): Promise<void> {
    const { redis, keys, deviceId, leaseToken } = this.#options;
    await finishJob(redis, keys, { deviceId, token: leaseToken }, id);
  }
}
