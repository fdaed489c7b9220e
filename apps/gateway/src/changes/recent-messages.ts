import type { MessageRecord } from '@postern/contract';
import type { LaneStatus } from '@postern/queue';
import type { FailedJobs, MessageLists, Messages, RecentKind } from '@postern/registry';
import { readRetryUntil } from '../outcomes/message-view.ts';

export interface RecentMessagesParts {
  messageLists: Pick<MessageLists, 'recent'>;
  messages: Pick<Messages, 'read'>;
  failedJobs: Pick<FailedJobs, 'keptUntil'>;
}

export interface RecentMessage {
  record: MessageRecord;
  /** Until when it can be sent again, in Unix milliseconds. */
  retryUntil: number | undefined;
}

interface Followed {
  deviceId: string;
  messageId: string;
  /** When it was accepted, or failed. */
  at: number;
  record: MessageRecord | undefined;
}

/** How many messages of each kind are followed, of all devices together; more at once are sampled. */
const WINDOW = 100;
/** What was accepted longer ago is read only every so many rounds, once it has been sent. */
const FRESH_MS = 60_000;
const STALE_ROUNDS = 10;

/**
 * The newest messages of some devices and their newest failures, followed from round to round. It costs one read for each
 * followed message that may still change, and one more for each device that has accepted or failed something since.
 */
export class RecentMessages {
  readonly #parts: RecentMessagesParts;
  readonly #windows: Record<RecentKind, Map<string, Followed>> = { accepted: new Map(), failed: new Map() };
  readonly #seen: Record<RecentKind, Map<string, number>> = { accepted: new Map(), failed: new Map() };
  #round = 0;

  constructor(parts: RecentMessagesParts) {
    this.#parts = parts;
  }

  /** What was read in this round, of messages whose devices are among these. */
  async look(lanes: readonly LaneStatus[]): Promise<RecentMessage[]> {
    this.#round += 1;
    await this.#follow('accepted', lanes, ({ newest }) => newest?.at);
    await this.#follow('failed', lanes, ({ lastFailure }) => lastFailure?.at);
    const present = new Set(lanes.map(({ device }) => device.device_id));
    const due = new Map<string, Followed>();
    for (const window of Object.values(this.#windows)) {
      for (const [messageId, followed] of window) {
        if (!present.has(followed.deviceId)) window.delete(messageId);
        else if (this.#isDue(followed)) due.set(messageId, followed);
      }
    }
    const found = await Promise.all([...due.values()].map((followed) => this.#read(followed)));
    return found.filter((message) => message !== undefined);
  }

  async #follow(
    kind: RecentKind,
    lanes: readonly LaneStatus[],
    newestOf: (lane: LaneStatus) => number | undefined,
  ): Promise<void> {
    const seen = this.#seen[kind];
    const news = lanes.flatMap((lane) => {
      const deviceId = lane.device.device_id;
      const at = newestOf(lane);
      return at === undefined || at === seen.get(deviceId) ? [] : [{ deviceId, at }];
    });
    // Only these can hold the newest ones of all.
    const newest = news.toSorted((a, b) => b.at - a.at).slice(0, WINDOW);
    const found = await Promise.all(
      newest.map(async ({ deviceId }) => {
        const query = { since: seen.get(deviceId) ?? 0, limit: WINDOW };
        const ids = await this.#parts.messageLists.recent(deviceId, kind, query);
        return ids.map((id): Followed => ({ ...id, deviceId, record: undefined }));
      }),
    );
    for (const { deviceId, at } of news) seen.set(deviceId, at);
    const window = this.#windows[kind];
    const all = [...window.values(), ...found.flat().filter(({ messageId }) => !window.has(messageId))];
    window.clear();
    for (const followed of all.toSorted((a, b) => b.at - a.at).slice(0, WINDOW)) {
      window.set(followed.messageId, followed);
    }
  }

  #isDue({ record }: Followed): boolean {
    if (!record) return true;
    switch (record.state) {
      case 'queued':
      case 'sending':
        return true;
      case 'sent':
      case 'delivered':
        return Date.now() - record.created_at < FRESH_MS || this.#round % STALE_ROUNDS === 0;
      case 'failed':
        return record.error?.code === 'ACK_TIMEOUT' && this.#round % STALE_ROUNDS === 0;
      case 'read':
      case 'cancelled':
        return false;
    }
  }

  async #read({ deviceId, messageId }: Followed): Promise<RecentMessage | undefined> {
    const record = await this.#parts.messages.read(deviceId, messageId);
    for (const window of Object.values(this.#windows)) {
      const followed = window.get(messageId);
      if (followed && record) followed.record = record;
      else window.delete(messageId);
    }
    return record && { record, retryUntil: await readRetryUntil(record, this.#parts.failedJobs) };
  }
}
