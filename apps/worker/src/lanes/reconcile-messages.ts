import { Failure, isSettled, type MessageRecord } from '@postern/contract';
import type { BlobStore } from '@postern/media';
import { hasJob, readJob } from '@postern/queue';
import { isUnreadable, type Keys, type Messages, readDeadlineClock, setDraining } from '@postern/registry';
import { delay, type Logger } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { rebuildRecord } from './keep-record.ts';

export interface ReconcileOptions {
  redis: Redis;
  keys: Keys;
  messages: Messages;
  blobs: BlobStore;
  intervalMs: number;
  /** Younger messages may still be on their way into the lane. */
  minAgeMs: number;
  onFailed: (code: string) => void;
  /** Told of each record that is written anew. */
  onRebuilt: () => void;
  /** Told of each record that cannot be read. */
  onUnreadable: (error: unknown) => void;
  logger: Logger;
}

const CHUNK = 200;

/**
 * Ends messages that no job will ever end: their gateway died between the record and the job, or Redis lost the job. Where it
 * lost the record, that is written anew. One worker at a time looks through everything that has not settled; the
 * compare-and-set on each record decides.
 */
export function startReconciler(options: ReconcileOptions): { stop(): Promise<void> } {
  const { redis, keys, intervalMs, logger } = options;
  const stopping = new AbortController();

  const announced = new Set<string>();

  const reconcile = async () => {
    while (!stopping.signal.aborted) {
      await delay(intervalMs * (0.75 + Math.random() / 2), stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      try {
        const turn = await setDraining(redis, [keys.reconcile], ['1', 'PX', Math.ceil(intervalMs / 2), 'NX']);
        if (turn !== null) await lookThrough(options, announced, stopping.signal);
      } catch (error) {
        logger.warn({ err: error }, 'reconciling messages failed');
      }
    }
  };
  const reconciling = reconcile();
  return {
    async stop() {
      stopping.abort();
      await reconciling;
    },
  };
}

/** `announced` holds those that had no record at the last look, and is given those that have none now. */
async function lookThrough(options: ReconcileOptions, announced: Set<string>, signal: AbortSignal): Promise<void> {
  const { messages } = options;
  const before = new Set(announced);
  announced.clear();
  const now = await readDeadlineClock(options.redis, options.keys);
  for (let offset = 0; !signal.aborted; ) {
    const entries = await messages.unsettled(offset, CHUNK);
    if (entries.length === 0) return;
    let removed = 0;
    for (const { deviceId, messageId } of entries) {
      const record = await readRecord(deviceId, messageId, options);
      // It may be written in this moment.
      if (!record && !before.has(messageId)) announced.add(messageId);
      else if (await settleOrphan(deviceId, messageId, record, now, options)) removed += 1;
    }
    offset += entries.length - removed;
  }
}

async function readRecord(deviceId: string, messageId: string, { messages, onUnreadable }: ReconcileOptions) {
  try {
    return await messages.read(deviceId, messageId);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    onUnreadable(error);
    return 'unreadable';
  }
}

/** Whether the message is out of the deadlines now. */
async function settleOrphan(
  deviceId: string,
  messageId: string,
  record: MessageRecord | 'unreadable' | undefined,
  now: number,
  options: ReconcileOptions,
): Promise<boolean> {
  const { redis, keys, messages, blobs, minAgeMs, onFailed, logger } = options;
  if (record === 'unreadable') {
    // Its lane ends it.
    if (await hasJob(redis, keys, deviceId, messageId)) return false;
    await messages.forgetDeadline(deviceId, messageId);
    return true;
  }
  if (record && now - record.created_at < minAgeMs) return false;
  if (record && !isSettled(record.state)) {
    if (await hasJob(redis, keys, deviceId, messageId)) return false;
    const failure = toFailure(record);
    if (await messages.markFailed(deviceId, messageId, failure, [record.state])) {
      await blobs.delete(messageId);
      onFailed(failure.code);
      logger.warn({ device_id: deviceId, message_id: messageId, code: failure.code }, 'message failed: it had no job');
    }
  }
  const job = record ? undefined : await readJob(redis, keys, deviceId, messageId);
  if (job) {
    await rebuildRecord(job, options);
    return false;
  }
  await messages.forgetDeadline(deviceId, messageId);
  return true;
}

function toFailure({ state }: MessageRecord): Failure {
  if (state === 'sending') {
    return new Failure('ACK_TIMEOUT', 'Sent, but never acknowledged; its job was lost with the state of Redis');
  }
  return new Failure('QUEUE_UNAVAILABLE', 'The queue went away while the message was being accepted; it was not sent');
}
