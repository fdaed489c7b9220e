import type { BlobStore } from '@postern/media';
import { endOverdueMessages, type Overdue } from '@postern/queue';
import type { Keys, Messages, UnsettledMessage } from '@postern/registry';
import { delay, type Logger } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { expired, neverAcknowledged } from './expired.ts';

export interface ExpireOptions {
  redis: Redis;
  keys: Keys;
  messages: Pick<Messages, 'claimDue' | 'forgetDeadline'>;
  blobs: Pick<BlobStore, 'delete'>;
  recordTtlMs: number;
  /** How long the job of a failed message is kept, in milliseconds; 0: not at all. */
  failedJobTtlMs: number;
  intervalMs: number;
  /** Told of each message that this ended, by the code it failed with. */
  onFailed: (code: string) => void;
  logger: Logger;
}

/** How many messages are claimed at once, and when what is left of them is looked at again. */
const CLAIM = 1_000;
const AGAIN_MS = 30_000;
/** How many blobs are deleted at once. */
const AT_ONCE = 50;

/** Outcomes after which a message is looked at again, or by the reconciler, which knows what to do without a record. */
const STAYS: ReadonlySet<Overdue> = new Set(['in_progress', 'early', 'lost', 'gone', 'unreadable']);

/**
 * Fails messages that waited longer than their ttl, in every lane, also those that nobody owns, and those that a dead
 * owner left half-sent. Redis' clock decides what is overdue. Any number of workers do this together: each claims others,
 * and the compare-and-set on the record decides.
 */
export function startExpiry(options: ExpireOptions): { stop(): Promise<void> } {
  const { messages, intervalMs, logger } = options;
  const stopping = new AbortController();

  const sweep = async () => {
    while (!stopping.signal.aborted) {
      const due = await messages.claimDue({ limit: CLAIM, againMs: AGAIN_MS }).catch((error: unknown) => {
        logger.error({ err: error }, 'expiring messages failed');
        return [];
      });
      for (const [deviceId, messageIds] of groupByDevice(due)) {
        // What cannot be ended now comes again, and keeps nobody else's from ending.
        await endOverdue(deviceId, messageIds, options).catch((error: unknown) =>
          logger.error({ err: error, device_id: deviceId }, 'expiring messages failed'),
        );
      }
      if (due.length < CLAIM) await delay(intervalMs, stopping.signal).catch(() => {});
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

function groupByDevice(due: readonly UnsettledMessage[]): Map<string, string[]> {
  const byDevice = new Map<string, string[]>();
  for (const { deviceId, messageId } of due) {
    const messageIds = byDevice.get(deviceId) ?? [];
    byDevice.set(deviceId, messageIds);
    messageIds.push(messageId);
  }
  return byDevice;
}

async function endOverdue(deviceId: string, messageIds: readonly string[], options: ExpireOptions): Promise<void> {
  const { redis, keys, messages, recordTtlMs, failedJobTtlMs, onFailed, logger } = options;
  const failures = { expired: expired(), unacknowledged: neverAcknowledged() };
  const ending = { failures, recordTtlMs, failedJobTtlMs };
  for await (const answers of endOverdueMessages(redis, keys, deviceId, messageIds, ending)) {
    const failed: string[] = [];
    const settled: string[] = [];
    for (const { messageId, outcome } of answers) {
      if (!STAYS.has(outcome)) settled.push(messageId);
      if (outcome === 'unreadable') logger.error({ device_id: deviceId, message_id: messageId }, 'message unreadable');
      if (outcome !== 'expired' && outcome !== 'unacknowledged') continue;
      const { code } = failures[outcome];
      failed.push(messageId);
      onFailed(code);
      logger.warn({ device_id: deviceId, message_id: messageId, code }, 'message failed');
    }
    await dropBlobs(failed, options);
    await messages.forgetDeadline(deviceId, ...settled);
  }
}

async function dropBlobs(messageIds: readonly string[], { blobs, failedJobTtlMs }: ExpireOptions): Promise<void> {
  // They are kept as long as their jobs are; then the gateways' sweeper deletes them.
  if (failedJobTtlMs > 0) return;
  for (let from = 0; from < messageIds.length; from += AT_ONCE) {
    await Promise.all(messageIds.slice(from, from + AT_ONCE).map((messageId) => blobs.delete(messageId)));
  }
}
