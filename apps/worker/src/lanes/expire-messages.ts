import type { SendImageJob } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import type { FailedJobs, Messages } from '@postern/registry';
import { delay, type Logger } from '@postern/runtime';
import { expired } from './expired.ts';

export interface ExpireOptions {
  messages: Messages;
  blobs: BlobStore;
  failedJobs: Pick<FailedJobs, 'keep' | 'isKept'>;
  readJob: (deviceId: string, messageId: string) => Promise<SendImageJob | undefined>;
  /** Takes the job out of its lane; a job that is in hand stays. */
  removeJob: (deviceId: string, messageId: string) => Promise<void>;
  intervalMs: number;
  onExpired: () => void;
  logger: Logger;
}

const BATCH = 200;

/**
 * Fails messages that waited longer than their ttl, in every lane, also those that nobody owns. Any number of workers may
 * do this at once: the compare-and-set on the record decides.
 */
export function startExpiry(options: ExpireOptions): { stop(): Promise<void> } {
  const { messages, blobs, failedJobs, readJob, removeJob, intervalMs, onExpired, logger } = options;
  const stopping = new AbortController();

  const expire = async (deviceId: string, messageId: string) => {
    const failure = expired();
    const job = await readJob(deviceId, messageId);
    if (job) await failedJobs.keep(job);
    if (await messages.markFailed(deviceId, messageId, failure, ['queued'])) {
      await removeJob(deviceId, messageId);
      if (!(await failedJobs.isKept(deviceId, messageId))) await blobs.delete(messageId);
      onExpired();
      logger.warn({ device_id: deviceId, message_id: messageId, code: failure.code }, 'message failed');
    }
    // Settled already, or in hand: then settling it forgets the deadline.
    await messages.forgetDeadline(deviceId, messageId);
  };

  const sweep = async () => {
    while (!stopping.signal.aborted) {
      try {
        for (const { deviceId, messageId } of await messages.expired(Date.now(), BATCH)) {
          await expire(deviceId, messageId);
        }
      } catch (error) {
        logger.error({ err: error }, 'expiring messages failed');
      }
      await delay(intervalMs, stopping.signal).catch(() => {});
    }
  };
  const sweeping = sweep();
  return {
    async stop() {
      stopping.abort();
      await sweeping;
    },
  };
}
