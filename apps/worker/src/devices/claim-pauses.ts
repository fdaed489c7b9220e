import { monotonicMs } from '@postern/runtime';

/** How long live workers may take to return to a Redis that was restarted, and to say what they hold, in milliseconds. */
const RESTART_PAUSE_MS = 3_000;

/** What a worker leaves unclaimed for a while, because Redis was away for it and perhaps for the holders, too. */
export class ClaimPauses {
  readonly #leaseTtlMs: number;
  #expiredUntil: number;
  #releasedUntil: number;

  /** A Redis that has been up for only `redisUpMs` shows no leases of workers that are still on their way to it. */
  constructor(leaseTtlMs: number, redisUpMs: number) {
    this.#leaseTtlMs = leaseTtlMs;
    this.#expiredUntil = monotonicMs() + Math.max(0, leaseTtlMs - redisUpMs);
    this.#releasedUntil = monotonicMs() + Math.max(0, RESTART_PAUSE_MS - redisUpMs);
  }

  /** Until then, in monotonic milliseconds, no lease that ran out is claimed. */
  get expiredUntil(): number {
    return this.#expiredUntil;
  }

  /** Until then nothing that was let go is claimed. */
  get releasedUntil(): number {
    return this.#releasedUntil;
  }

  /** Redis answers, or takes writes, again: leases ran out on its clock meanwhile, although their holders still live. */
  onWritable(): void {
    this.#expiredUntil = monotonicMs() + this.#leaseTtlMs;
  }

  /** Redis may have been restarted, and have forgotten who took what was let go, unless `trust` says that it was not. */
  onReconnected(): { trust(): void } {
    const before = this.#releasedUntil;
    this.#releasedUntil = monotonicMs() + RESTART_PAUSE_MS;
    return {
      trust: () => {
        this.#releasedUntil = before;
      },
    };
  }
}
