import { isSettled, type MessageRecord } from '@postern/contract';
import type { Messages } from '@postern/registry';
import type { Outcome } from './outcome.ts';

export interface WaitOptions {
  /** Answers whether the record is what is waited for. */
  until: (record: MessageRecord) => boolean;
  timeoutMs: number;
  /** How often the record is read without being told to. */
  pollMs: number;
  signal: AbortSignal;
}

export interface Watch {
  /** How the message ended, once it has; undefined after `timeoutMs`. Rejects with the signal's reason. */
  settled(timeoutMs: number, signal: AbortSignal): Promise<Outcome | undefined>;
  /** The record once `until` holds; undefined after `timeoutMs`. */
  changed(options: WaitOptions): Promise<MessageRecord | undefined>;
  close(): void;
}

export interface Outcomes {
  /** Begins to listen for a message. Must happen before its job is added, or the news may be missed. */
  watch(deviceId: string, messageId: string): Watch;
  /** The news that a message has settled: how, or else its record is read. */
  onSettled(messageId: string, outcome?: Outcome): void;
  waiting(): number;
}

export interface OutcomesOptions {
  messages: Pick<Messages, 'read'>;
  /** A message was found settled by looking, not by being told. */
  onFallback: () => void;
}

/** News can be lost; a record that nobody spoke of for this long is read again. */
const STALE_MS = 1_000;

/** Who waits for which message. News wakes a waiter; without news, or when it does not say how, the record is read. */
export function createOutcomes({ messages, onFallback }: OutcomesOptions): Outcomes {
  const wakers = new Map<string, Set<(outcome?: Outcome) => void>>();
  return {
    waiting: () => wakers.size,
    onSettled(messageId, outcome) {
      for (const wake of wakers.get(messageId) ?? []) wake(outcome);
    },
    watch(deviceId, messageId) {
      let isTold = false;
      let told: Outcome | undefined;
      let rouse = () => {};
      const wake = (outcome?: Outcome) => {
        isTold = true;
        told ??= outcome;
        rouse();
      };
      const wakersOfMessage = wakers.get(messageId) ?? new Set();
      wakers.set(messageId, wakersOfMessage.add(wake));
      const nap = (ms: number, signal: AbortSignal) =>
        new Promise<void>((resolve) => {
          const finish = () => {
            clearTimeout(timer);
            signal.removeEventListener('abort', finish);
            resolve();
          };
          const timer = setTimeout(finish, ms);
          rouse = finish;
          signal.addEventListener('abort', finish, { once: true });
        });

      /** Looks at once if something was told, then at each news, every `pollMs`, and once more when the time is over. */
      const keepLooking = async <T>(
        look: (wasTold: boolean) => Promise<T | undefined>,
        { timeoutMs, pollMs, signal }: Omit<WaitOptions, 'until'>,
      ): Promise<T | undefined> => {
        const deadline = performance.now() + timeoutMs;
        for (;;) {
          signal.throwIfAborted();
          const left = deadline - performance.now();
          if (!isTold && left > 0) await nap(Math.min(pollMs, left), signal);
          signal.throwIfAborted();
          const wasTold = isTold;
          isTold = false;
          const found = await look(wasTold);
          if (found !== undefined) return found;
          if (performance.now() >= deadline) return undefined;
        }
      };
      const readOnce = async (until: WaitOptions['until']) => {
        // Redis may be silent for a while; the wait goes on without it.
        const record = await messages.read(deviceId, messageId).catch(() => undefined);
        return record && until(record) ? record : undefined;
      };
      return {
        changed: ({ until, ...options }) => keepLooking(() => readOnce(until), options),
        settled(timeoutMs, signal) {
          const look = async (wasTold: boolean): Promise<Outcome | undefined> => {
            const found = told ?? (await readOnce(({ state }) => isSettled(state)));
            if (found && !wasTold) onFallback();
            return found;
          };
          return keepLooking(look, { timeoutMs, pollMs: STALE_MS, signal });
        },
        close() {
          wakersOfMessage.delete(wake);
          if (wakersOfMessage.size === 0) wakers.delete(messageId);
        },
      };
    },
  };
}
