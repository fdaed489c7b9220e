import { type FencedWrite, LeaseLostError, writeFenced } from '@postern/registry';
import type { Redis } from 'ioredis';
import type { RecentWrites } from './recent-writes.ts';

export interface OwnedWriterOptions {
  redis: Redis;
  lastHolderKey: string;
  leaseToken: string;
  /** Called once, at the first write that finds the lease gone. */
  onLeaseLost: () => void;
  /** Remembers each write for a while. */
  recent: RecentWrites;
  /** Told after each write, for metrics. */
  onWrite?: ((durationMs: number, ok: boolean) => void) | undefined;
}

/** Every write of one session to Redis: fenced by its lease, and impossible once the session has ended. */
export interface OwnedWriter {
  write(writes: readonly FencedWrite[]): Promise<void>;
  /** Resolves when no write is under way. */
  idle(): Promise<void>;
  /** Later writes fail without reaching Redis. */
  stop(): void;
}

export function createOwnedWriter(options: OwnedWriterOptions): OwnedWriter {
  const { redis, lastHolderKey, leaseToken } = options;
  const underWay = new Set<Promise<unknown>>();
  let stopped = false;
  const apply = async (writes: readonly FencedWrite[]) => {
    const start = performance.now();
    options.recent.note(lastHolderKey, leaseToken, writes);
    try {
      await writeFenced(redis, lastHolderKey, leaseToken, writes);
      options.onWrite?.(performance.now() - start, true);
    } catch (error) {
      options.onWrite?.(performance.now() - start, false);
      if (error instanceof LeaseLostError && !stopped) {
        stopped = true;
        options.onLeaseLost();
      }
      throw error;
    }
  };
  return {
    async write(writes) {
      if (stopped) throw new LeaseLostError('this session has ended and writes no more');
      const writing = apply(writes);
      underWay.add(writing);
      await writing.finally(() => underWay.delete(writing));
    },
    async idle() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    stop() {
      stopped = true;
    },
  };
}
