import { setTimeout as sleep } from 'node:timers/promises';

/** A monotonic clock in milliseconds: it never jumps when the wall clock is set. */
export function monotonicMs(): number {
  return performance.now();
}

/** Reads a monotonic clock in milliseconds. One may stand still at times; only differences mean anything. */
export type Clock = () => number;

/** How often a clock that stood still when a timer was due is read again, at most, in milliseconds. */
const REREAD_MS = 50;

/** Calls back once the clock has moved on by `ms`; answers what cancels that. */
export function startTimer(ms: number, onDue: () => void, clock: Clock = monotonicMs): () => void {
  const dueAt = clock() + ms;
  const look = () => {
    const left = dueAt - clock();
    // Node's timers may be early by a fraction of a millisecond.
    if (left < 1) onDue();
    else timer = setTimeout(look, Math.max(left, REREAD_MS));
  };
  let timer = setTimeout(look, ms);
  return () => clearTimeout(timer);
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
 * Waits for a promise at most `ms` on the clock and until the signal aborts, whichever comes first.
 * Rejects with `onTimeout()` after `ms`, with the signal's reason on abort; the abandoned promise's own failure is
 * swallowed, so it never becomes an unhandled rejection.
 */
export function within<T>(
  promise: Promise<T>,
  ms: number,
  onTimeout: () => unknown,
  signal?: AbortSignal,
  clock: Clock = monotonicMs,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const finish = (settle: () => void) => {
      cancel();
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => finish(() => reject(signal?.reason));
    const cancel = startTimer(ms, () => finish(() => reject(onTimeout())), clock);
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
