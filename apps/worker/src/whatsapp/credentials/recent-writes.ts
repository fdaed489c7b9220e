import { type FencedWrite, LeaseLostError, writeFenced } from '@postern/registry';
import { monotonicMs } from '@postern/runtime';
import type { Redis } from 'ioredis';

interface Entry {
  at: number;
  lastHolderKey: string;
  leaseToken: string;
  writes: readonly FencedWrite[];
}

/** With `appendfsync everysec` Redis delays its writes to disk by at most two seconds. */
const KEPT_MS = 5_000;

/**
 * What was written in the last seconds. A Redis that died may have forgotten it: ratchets would go back, and phones drop in
 * silence what uses a step twice.
 */
export class RecentWrites {
  #entries: Entry[] = [];

  note(lastHolderKey: string, leaseToken: string, writes: readonly FencedWrite[]): void {
    const now = monotonicMs();
    // Not at each write: that would look at all of them each time.
    if ((this.#entries[0]?.at ?? now) < now - 2 * KEPT_MS) {
      this.#entries = this.#entries.filter(({ at }) => at >= now - KEPT_MS);
    }
    this.#entries.push({ at: now, lastHolderKey, leaseToken, writes });
  }

  /**
   * Writes everything again, in order, all at once so that no newer write comes between: to be called when Redis was
   * restarted. What belongs to an owner's former turn is refused, as ever.
   */
  async repeat(redis: Redis): Promise<void> {
    const repeated = this.#entries.map(({ lastHolderKey, leaseToken, writes }) =>
      writeFenced(redis, lastHolderKey, leaseToken, writes).catch((error: unknown) => {
        if (!(error instanceof LeaseLostError)) throw error;
      }),
    );
    await Promise.all(repeated);
  }
}
