import { setTimeout as sleep } from 'node:timers/promises';

/** A monotonic clock in milliseconds: it never jumps when the wall clock is set. */
export function monotonicMs(): number {
  return performance.now();
}

/** Waits, unless the signal aborts first; then rejects with the signal's reason. */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * Waits for a promise at most `ms` and until the signal aborts, whichever comes first.
 * Rejects with `onTimeout()` after `ms`, with the signal's reason on abort; the abandoned promise's own failure is
 * swallowed, so it never becomes an unhandled rejection.
 */
export function within<T>(promise: Promise<T>, ms: number, onTimeout: () => unknown, signal?: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => finish(() => reject(signal?.reason));
    const timer = setTimeout(() => finish(() => reject(onTimeout())), ms);
    promise.then(
      (value) => finish(() => resolve(value)),
      (error: unknown) => finish(() => reject(error)),
    );
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Exponential backoff with equal jitter, in milliseconds: the ceiling is `baseMs` doubled per attempt (from 1), at most
 * `maxMs`; the wait is uniform between half of it and the whole. */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, random: () => number = Math.random): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.max(0, attempt - 1));
  return ceiling / 2 + (random() * ceiling) / 2;
}
