import { isSettled, type MessageRecord } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import { type FailedJobs, isUnreadable, type Messages } from '@postern/registry';
import { delay, type Logger } from '@postern/runtime';

export interface SweeperOptions {
  blobs: Pick<BlobStore, 'list' | 'delete' | 'sweepTemporary'>;
  /** Rejects when the store is not, or not certainly, this installation's. */
  assertOurs: () => Promise<void>;
  messages: Pick<Messages, 'get'>;
  failedJobs: Pick<FailedJobs, 'isKept'>;
  /** Only what is older is looked at. */
  graceMs: number;
  intervalMs: number;
  onSwept: (count: number) => void;
  logger: Logger;
}

export interface Sweeper {
  stop(): Promise<void>;
}

/**
 * Deletes, every interval and once at the start, blobs that no message waits for (their upload or their worker died)
 * and files of uploads that nobody writes any more. A blob whose message may still be sent, for the first time or again, is
 * never touched, and nothing is touched while Redis cannot be asked or the store is somebody else's.
 */
export function startSweeper(options: SweeperOptions): Sweeper {
  const { intervalMs, logger } = options;
  const stopping = new AbortController();
  const run = async () => {
    while (!stopping.signal.aborted) {
      await sweep(options, stopping.signal).catch((error: unknown) => logger.warn({ err: error }, 'blobs not swept'));
      await delay(intervalMs * (0.9 + Math.random() / 5), stopping.signal).catch(() => {});
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function sweep(
  { blobs, assertOurs, messages, failedJobs, graceMs, onSwept, logger }: SweeperOptions,
  signal: AbortSignal,
): Promise<void> {
  await assertOurs();
  let swept = 0;
  for await (const { id, modifiedAtMs } of blobs.list()) {
    if (signal.aborted) return;
    if (Date.now() - modifiedAtMs < graceMs) continue;
    let record: MessageRecord | undefined;
    try {
      record = await messages.get(id);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      // Whether it may still be sent is not known.
      logger.warn({ err: error, message_id: id }, 'blob not swept: its message cannot be read');
      continue;
    }
    if (record && !isSettled(record.state)) continue;
    if (record?.state === 'failed' && (await failedJobs.isKept(record.device_id, id))) continue;
    await blobs.delete(id);
    swept += 1;
  }
  const temporary = await blobs.sweepTemporary(graceMs);
  if (swept + temporary === 0) return;
  onSwept(swept + temporary);
  logger.info({ blobs: swept, temporary_files: temporary }, 'blobs swept');
}
