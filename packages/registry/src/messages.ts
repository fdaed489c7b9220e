import type { Failure, MessageRecord, MessageState } from '@postern/contract';
import type { Redis } from 'ioredis';
import { claimDueDeadlines, removeDeadlines, toUnsettledMessage, type UnsettledMessage } from './deadlines.ts';
import type { Keys } from './keys.ts';
import { type MessageChange, toChange, toFailed, toSent } from './message-changes.ts';
import { announceMessage, toRecordArguments, toTtlMs } from './message-creation.ts';
import { toMessageRecord } from './message-record.ts';
import {
  changeAsOwner,
  changeMessage,
  countIn,
  createRecord,
  noteReceipt,
  toTransitionKeys,
} from './message-scripts.ts';

export type AttemptAnswer = 'begun' | 'proved' | 'missing' | 'lease_lost';

/** What a phone says of a message. `participant` is set in groups; `at` in Unix milliseconds. */
export interface Receipt {
  status: 'delivered' | 'read';
  participant?: string | undefined;
  at: number;
}

export interface Messages {
  /**
   * Writes the record of a message that has no job, announced before; a record that exists already stays as it is.
   * A message that is to be sent gets both at once from the producer of `packages/queue`.
   */
  create(record: MessageRecord): Promise<void>;
  /** Undefined when there is none. Throws UnreadableError. */
  get(messageId: string): Promise<MessageRecord | undefined>;
  /** The owner's read, without the index. Throws UnreadableError. */
  read(deviceId: string, messageId: string): Promise<MessageRecord | undefined>;
  /**
   * queued|sending → sending, counting one more attempt, if this token's turn is the newest. Only `begun` may go on;
   * otherwise answers why not: the state found, `missing`, `lease_lost`, or, with `unlessProved`, `proved` when a phone has
   * told of an earlier attempt. `notes` are what became of the picture.
   */
  beginAttempt(
    deviceId: string,
    messageId: string,
    token: string,
    options?: { notes?: readonly string[]; unlessProved?: boolean },
  ): Promise<MessageState | AttemptAnswer>;
  /** Counts a preparation alone, see `starts`; answers how many there were with this one. */
  countLoneStart(deviceId: string, messageId: string): Promise<number>;
  /** Counts an attempt that failed before anything was sent. */
  countAttempt(deviceId: string, messageId: string): Promise<void>;
  /** queued|sending|failed with ACK_TIMEOUT → sent. `sentAt` in Unix milliseconds. True when this call changed it. */
  markSent(deviceId: string, messageId: string, sentAt: number): Promise<boolean>;
  /**
   * One of `from` (default queued|sending) → failed. True when this call changed it; a message that a phone has told of
   * becomes delivered or read instead.
   */
  markFailed(deviceId: string, messageId: string, failure: Failure, from?: MessageState[]): Promise<boolean>;
  /** queued → cancelled. Answers `changed`, or the state that forbids it, `cancelled` too, or `missing`. */
  markCancelled(deviceId: string, messageId: string): Promise<MessageState | 'changed' | 'missing'>;
  /**
   * A receipt: sent|failed with ACK_TIMEOUT → delivered → read, never backwards. True when this call changed it. One that
   * comes before its message has settled is noted: whatever would end the message then ends it as delivered or read. In
   * groups the first participant decides the state, and each one is counted.
   */
  markReceipt(deviceId: string, messageId: string, receipt: Receipt): Promise<boolean>;
  /** Messages that are past their deadline; see claimDueDeadlines. */
  claimDue(options: { limit: number; againMs: number }): Promise<UnsettledMessage[]>;
  /** Messages that have not settled (or have just), by their deadlines, from an offset. */
  unsettled(offset: number, limit: number): Promise<UnsettledMessage[]>;
  /** Takes messages out of the deadlines: they have settled. */
  forgetDeadline(deviceId: string, ...messageIds: string[]): Promise<void>;
}

export function createMessages(redis: Redis, keys: Keys, options: { recordTtlMs: number }): Messages {
  const { recordTtlMs } = options;
  const recordKey = (deviceId: string, messageId: string) => keys.device(deviceId).message(messageId);
  const change = async (deviceId: string, messageId: string, to: MessageChange) =>
    (await changeMessage(redis, toTransitionKeys(keys, deviceId, messageId), [...to])) as
      | MessageState
      | 'changed'
      | 'missing';
  const read = async (deviceId: string, messageId: string) =>
    toMessageRecord(await redis.hgetall(recordKey(deviceId, messageId)));

  return {
    read,
    async create(record) {
      const { error: _, notes: __, starts: ___, ...message } = record;
      const { device_id, message_id } = message;
      const { expires_at: expiresAt } = message;
      await announceMessage(redis, keys, message, { deadline: { expiresAt }, ttlMs: toTtlMs(message, recordTtlMs) });
      const touched = [recordKey(device_id, message_id), keys.device(device_id).messageIndex];
      await createRecord(redis, touched, toRecordArguments(message, recordTtlMs));
    },
    async get(messageId) {
      const deviceId = await redis.get(keys.messageDevice(messageId));
      return deviceId === null ? undefined : read(deviceId, messageId);
    },
    async beginAttempt(deviceId, messageId, token, { notes = [], unlessProved = false } = {}) {
      const fields = notes.length === 0 ? [] : ['notes', JSON.stringify(notes)];
      const begin = toChange(['queued', 'sending'], 'sending', recordTtlMs, fields);
      const touched = [keys.device(deviceId).lastHolder, ...toTransitionKeys(keys, deviceId, messageId)];
      const found = await changeAsOwner(redis, touched, [token, unlessProved ? 1 : 0, ...begin]);
      return found === 'changed' ? 'begun' : (found as MessageState | AttemptAnswer);
    },
    async countAttempt(deviceId, messageId) {
      await countIn(redis, [recordKey(deviceId, messageId)], ['attempts']);
    },
    countLoneStart: (deviceId, messageId) => countIn(redis, [recordKey(deviceId, messageId)], ['lone_starts']),
    async markSent(deviceId, messageId, sentAt) {
      return (await change(deviceId, messageId, toSent(sentAt, recordTtlMs))) === 'changed';
    },
    async markFailed(deviceId, messageId, failure, from) {
      return (await change(deviceId, messageId, toFailed(failure, recordTtlMs, from))) === 'changed';
    },
    markCancelled: (deviceId, messageId) => change(deviceId, messageId, toChange(['queued'], 'cancelled', recordTtlMs)),
    async markReceipt(deviceId, messageId, { status, participant, at }) {
      const from: MessageState[] = status === 'read' ? ['sent', 'delivered', 'failed'] : ['sent', 'failed'];
      const to = toChange(from, status, recordTtlMs, [`${status}_at`, at]);
      const touched = [...toTransitionKeys(keys, deviceId, messageId), keys.device(deviceId).receipts(messageId)];
      return (await noteReceipt(redis, touched, [status, participant ?? '', recordTtlMs, ...to])) === 'changed';
    },
    claimDue: (claim) => claimDueDeadlines(redis, keys, claim),
    async unsettled(offset, limit) {
      const members = await redis.zrangebyscore(keys.deadlines, '-inf', '+inf', 'LIMIT', offset, limit);
      return members.map(toUnsettledMessage);
    },
    forgetDeadline: (deviceId, ...messageIds) => removeDeadlines(redis, keys, deviceId, messageIds),
  };
}
