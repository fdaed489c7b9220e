import { within } from '@postern/runtime';

/** Longest wait for a single chunk that a timer can express, in milliseconds: in effect none. */
const NO_LIMIT_MS = 2 ** 31 - 1;

/**
 * The same chunks, but the walk rejects with the signal's reason as soon as it aborts, even while the source hangs.
 * The source is told to stop (`return`) when the walk ends early.
 */
export async function* abortable(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = chunks[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const next = source.next();
      const step = await (signal ? within(next, NO_LIMIT_MS, () => new Error('the source hangs'), signal) : next);
      if (step.done) {
        ended = true;
        return;
      }
      yield step.value;
    }
  } finally {
    // Not awaited: a source that hangs in next() would hold its return() back too.
    if (!ended) void Promise.resolve(source.return?.()).catch(() => undefined);
  }
}
