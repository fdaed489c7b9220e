import { Failure } from '@postern/contract';

/** The end of a gateway's life: what is in flight finishes within a bound, nothing new is accepted. */
export interface Drain {
  isDraining(): boolean;
  /** Aborts when draining begins; for streams that would never end by themselves. */
  readonly begun: AbortSignal;
  /** Counts a request as in flight until the answered function is called. */
  enter(request: AbortController): () => void;
  /** Resolves when nothing is in flight; after `boundMs` what still is gets aborted with SHUTTING_DOWN. */
  begin(boundMs: number): Promise<void>;
}

/** How long aborted requests have to write their answers. */
const LAST_WORDS_MS = 1_000;

export function createDrain(): Drain {
  const inFlight = new Set<AbortController>();
  const begun = new AbortController();
  let onEmpty = () => {};

  const untilEmpty = (ms: number) =>
    new Promise<void>((resolve) => {
      if (inFlight.size === 0) return resolve();
      const timer = setTimeout(resolve, ms);
      onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  return {
    begun: begun.signal,
    isDraining: () => begun.signal.aborted,
    enter(request) {
      inFlight.add(request);
      return () => {
        inFlight.delete(request);
        if (inFlight.size === 0) onEmpty();
      };
    },
    async begin(boundMs) {
      begun.abort();
      await untilEmpty(boundMs);
      for (const request of inFlight) request.abort(shuttingDown());
      await untilEmpty(LAST_WORDS_MS);
    },
  };
}

/** Throws SHUTTING_DOWN once draining has begun. */
export function assertAccepting(drain: Pick<Drain, 'isDraining'>): void {
  if (drain.isDraining()) throw shuttingDown();
}

function shuttingDown(): Failure {
  return new Failure('SHUTTING_DOWN', 'This gateway is shutting down; use another one', { retryAfterSeconds: 1 });
}
