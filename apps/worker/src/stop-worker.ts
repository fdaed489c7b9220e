import type { RedisClock } from '@postern/registry';
import { type Lifetime, type Logger, monotonicMs } from '@postern/runtime';

export interface StopOptions {
  lifetime: Lifetime;
  redisClock: Pick<RedisClock, 'awayMs'>;
  /** Aborted when Redis is waited for no longer. */
  abandoning: AbortController;
  logger: Logger;
}

/** A worker that stops waits for a Redis that is away no longer than this, in milliseconds. */
const PATIENCE_MS = 2_000;

/**
 * Releases everything. With Redis away devices cannot be handed over: their sockets are closed all the same, their leases
 * run out by themselves, and what was in hand is found by the next owner.
 */
export async function stopWorker({ lifetime, redisClock, abandoning, logger }: StopOptions): Promise<void> {
  const startedAt = monotonicMs();
  const look = setInterval(() => {
    if (Math.min(redisClock.awayMs(), monotonicMs() - startedAt) < PATIENCE_MS) return;
    clearInterval(look);
    logger.warn('stopping without Redis: nothing is handed over, leases run out by themselves');
    abandoning.abort();
  }, 100);
  try {
    await lifetime.stop(abandoning.signal);
  } finally {
    clearInterval(look);
  }
}
