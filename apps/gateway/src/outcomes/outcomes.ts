import { isSettled, type MessageRecord } from '@postern/contract';
import type { Messages } from '@postern/registry';

export interface WaitOptions {
  /** Answers whether the record is what is waited for. */
  until: (record: MessageRecord) => boolean;
  timeoutMs: number;
  /** How often the record is read without being told to. */
  pollMs: number;
  signal: AbortSignal;
}

export interface Watch {
  /** The record once it has settled; undefined after `timeoutMs`. Rejects with the signal's reason. */
  settled(timeoutMs: number, signal: AbortSignal): Promise<MessageRecord | undefined>;
  /** The record once `until` holds; undefined after `timeoutMs`. */
  changed(options: WaitOptions): Promise<MessageRecord | undefined>;
  close(): void;
}

export interface Outcomes {
  /** Begins to listen for a message. Must happen before its job is added, or the news may be missed. */
  watch(deviceId: string, messageId: string): Watch;
  /** The news that a message has settled. */
  onSettled(messageId: string): void;
  waiting(): number;
}

export interface OutcomesOptions {
  messages: Pick<Messages, 'read'>;
  /** A message was found settled by looking, not by being told. */
  onFallback: () => void;
}

/** News can be lost; a record that nobody spoke of for this long is read again. */
const STALE_MS = 1_000;

/** Who waits for which message. News wakes a waiter; what it then believes is the record. */
export function createOutcomes({ messages, onFallback }: OutcomesOptions): Outcomes {
  const wakers = new Map<string, Set<() => void>>();
  return {
    waiting: () => wakers.size,
    onSettled(messageId) {
      for (const wake of wakers.get(messageId) ?? []) wake();
    },
    watch(deviceId, messageId) {
      let isTold = false;
      let rouse = () => {};
      const wake = () => {
        isTold = true;
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

      const changed = async (
        { until, timeoutMs, pollMs, signal }: WaitOptions,
        onFound?: (wasTold: boolean) => void,
      ) => {
        const deadline = performance.now() + timeoutMs;
        for (;;) {
          signal.throwIfAborted();
          const left = deadline - performance.now();
          if (!isTold && left > 0) await nap(Math.min(pollMs, left), signal);
          signal.throwIfAborted();
          const wasTold = isTold;
          isTold = false;
          // Redis may be silent for a while; the wait goes on without it.
          const record = await messages.read(deviceId, messageId).catch(() => undefined);
          if (record && until(record)) {
            onFound?.(wasTold);
            return record;
          }
          if (performance.now() >= deadline) return undefined;
        }
      };
      return {
        changed: (options) => changed(options),
        settled(timeoutMs, signal) {
          const until = ({ state }: MessageRecord) => isSettled(state);
          return changed({ until, timeoutMs, pollMs: STALE_MS, signal }, (wasTold) => {
            if (!wasTold) onFallback();
          });
        },
        close() {
          wakersOfMessage.delete(wake);
          if (wakersOfMessage.size === 0) wakers.delete(messageId);
        },
      };
    },
  };
}
