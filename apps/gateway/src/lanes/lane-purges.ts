import type { BlobStore } from '@postern/media';
import type { PurgedChunk } from '@postern/queue';
import type { Messages } from '@postern/registry';
import { delay, type Logger } from '@postern/runtime';
import type { GatewayMetrics } from '../metrics.ts';
import type { Outcomes } from '../outcomes/outcomes.ts';

export interface LanePurgesDeps {
  /** Cancels what waits in the lane, by compare-and-set, and takes the jobs away. */
  purge: (deviceId: string) => AsyncIterable<PurgedChunk>;
  messages: Pick<Messages, 'forgetDeadline'>;
  blobs: Pick<BlobStore, 'delete'>;
  outcomes: Pick<Outcomes, 'onSettled'>;
  metrics: Pick<GatewayMetrics, 'cancelled'>;
  logger: Logger;
}

/** How far a purge has come: how many messages it has cancelled, has still to look at, and whether that was all. */
export interface PurgeProgress {
  cancelled: number;
  remaining: number;
  isComplete: boolean;
}

/** Messages whose blobs are deleted at once. */
const AT_ONCE = 50;

/** Purges of lanes, each of which goes on when nobody waits for it any more; one at a time for a device. */
export class LanePurges {
  readonly #deps: LanePurgesDeps;
  readonly #running = new Map<string, { progress: PurgeProgress; done: Promise<void> }>();
  #stopping = false;

  constructor(deps: LanePurgesDeps) {
    this.#deps = deps;
  }

  /**
   * Begins to cancel every message that waits in the lane now, or joins the purge that is under way here. Answers how far
   * it is when all are cancelled and tidied up, at the latest after `waitMs`. Rejects when Redis fails it.
   */
  async purge(deviceId: string, waitMs: number): Promise<PurgeProgress> {
    const run = this.#running.get(deviceId) ?? this.#begin(deviceId);
    const bound = new AbortController();
    await Promise.race([run.done, delay(waitMs, bound.signal).catch(() => {})]).finally(() => bound.abort());
    return { ...run.progress };
  }

  /** Leaves what is not cancelled yet in its lane. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }

  #begin(deviceId: string) {
    const progress: PurgeProgress = { cancelled: 0, remaining: 0, isComplete: false };
    const done = this.#run(deviceId, progress).finally(() => this.#running.delete(deviceId));
    const run = { progress, done };
    this.#running.set(deviceId, run);
    done.catch((error: unknown) =>
      this.#deps.logger.warn({ err: error, device_id: deviceId }, 'lane not purged to its end'),
    );
    return run;
  }

  async #run(deviceId: string, progress: PurgeProgress): Promise<void> {
    const { purge, outcomes, metrics, logger } = this.#deps;
    let tidied = Promise.resolve();
    for await (const { cancelled, remaining } of purge(deviceId)) {
      progress.cancelled += cancelled.length;
      progress.remaining = remaining;
      metrics.cancelled.inc(cancelled.length);
      // Who waits at another gateway looks by itself.
      for (const messageId of cancelled) outcomes.onSettled(messageId);
      // Cancelling does not wait for it: nothing of what waits may be sent meanwhile.
      tidied = tidied.then(() => this.#tidyUp(deviceId, cancelled));
      if (this.#stopping) break;
    }
    progress.isComplete = progress.remaining === 0;
    const { cancelled, remaining } = progress;
    logger.info({ device_id: deviceId, cancelled, remaining }, 'lane purged');
    await tidied;
  }

  /** What fails here is made up for by the reconciler and the sweeper. */
  async #tidyUp(deviceId: string, messageIds: readonly string[]): Promise<void> {
    const { blobs, messages, logger } = this.#deps;
    if (this.#stopping) return;
    try {
      for (let from = 0; from < messageIds.length; from += AT_ONCE) {
        await Promise.all(messageIds.slice(from, from + AT_ONCE).map((messageId) => blobs.delete(messageId)));
      }
      await messages.forgetDeadline(deviceId, ...messageIds);
    } catch (error) {
      logger.warn({ err: error, device_id: deviceId }, 'purged messages not tidied up');
    }
  }
}
