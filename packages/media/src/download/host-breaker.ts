import { monotonicMs } from '@postern/runtime';
import { downloadFailure } from './download-failure.ts';

const SILENT_DOWNLOADS = 3;
const OPEN_MS = 15_000;
const MAX_HOSTS = 1_000;
const ATTEMPTS = 3;

/** Keeps downloads from waiting for a host that did not answer the last three: for 15 s, then one of them tries. */
export interface HostBreaker {
  /** Throws IMAGE_DOWNLOAD_FAILED, to be tried again later, while the host is not asked. */
  enter(host: string): void;
  onAnswer(host: string): void;
  /** A download of the host ran out of time. */
  onSilence(host: string): void;
}

export function createHostBreaker(now: () => number = monotonicMs): HostBreaker {
  /** The hosts that were silent, the newest last. */
  const silent = new Map<string, { count: number; openUntil: number }>();
  return {
    enter(host) {
      const state = silent.get(host);
      if (!state || state.count < SILENT_DOWNLOADS) return;
      const leftMs = state.openUntil - now();
      if (leftMs > 0) {
        throw downloadFailure(`${host} has not answered lately, and is not asked for a moment`, true, undefined, {
          maxAttempts: ATTEMPTS,
          retryAfterSeconds: leftMs / 1000,
        });
      }
      // This one finds out; the others wait for it.
      state.openUntil = now() + OPEN_MS;
    },
    onAnswer(host) {
      silent.delete(host);
    },
    onSilence(host) {
      const count = (silent.get(host)?.count ?? 0) + 1;
      silent.delete(host);
      silent.set(host, { count, openUntil: now() + OPEN_MS });
      const oldest = silent.keys().next().value;
      if (silent.size > MAX_HOSTS && oldest !== undefined) silent.delete(oldest);
    },
  };
}
