import type { LaneStatus } from '@postern/queue';
import type { Devices } from '@postern/registry';
import { delay, monotonicMs } from '@postern/runtime';
import { readLanes } from '../lanes/read-lanes.ts';
import { type RecentMessage, RecentMessages, type RecentMessagesParts } from './recent-messages.ts';
import { type Fact, toDeviceFact, toLaneFact, toMessageFact } from './to-facts.ts';

export interface ChangeFeedParts extends RecentMessagesParts {
  devices: Pick<Devices, 'ids'>;
  readLane: (deviceId: string) => Promise<LaneStatus | undefined>;
  onError: (error: unknown) => void;
}

export interface Listener {
  sees(deviceId: string): boolean;
  /** Called after each look; `isFresh` is false when Redis did not answer and nothing is known of it. */
  onRound(isFresh: boolean): void;
}

export interface Listening {
  /** What has changed after this version (0: everything there is), and the version that this leads to. */
  since(version: number): { facts: Fact[]; version: number };
  stop(): void;
}

/** Between two looks, and the longer the longer one takes: at most a tenth of the time is spent on it. */
const MIN_INTERVAL_MS = 1_000;
const INTERVAL_PER_COST = 10;
/** How many looks a removed device is remembered for. */
const REMOVAL_ROUNDS = 600;
/** Messages that are remembered; the oldest are forgotten first. */
const MAX_MESSAGES = 400;

/**
 * What changes about devices, lanes and messages, found by looking, once a second, while somebody listens, and told as
 * differences. Looking costs one command for each device and each message that is followed, however much is sent, and
 * nothing while nobody listens; and it finds what happened anywhere.
 */
export class ChangeFeed {
  readonly #parts: ChangeFeedParts;
  readonly #listeners = new Set<Listener>();
  readonly #known = new Map<string, Fact & { version: number }>();
  #version = 0;
  #looking: AbortController | undefined;
  #lookAgain = () => {};

  constructor(parts: ChangeFeedParts) {
    this.#parts = parts;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Looks for this listener too, from now on, the first time at once. */
  listen(listener: Listener): Listening {
    this.#listeners.add(listener);
    this.#lookAgain();
    if (!this.#looking) {
      this.#looking = new AbortController();
      this.#lookUntil(this.#looking.signal).catch(this.#parts.onError);
    }
    return {
      since: (version) => {
        const isNews = (known: Fact & { version: number }) =>
          known.version > version && !(version === 0 && known.event === 'device_removed');
        const facts = [...this.#known.values()].filter((known) => isNews(known) && listener.sees(known.deviceId));
        return { facts, version: this.#version };
      },
      stop: () => {
        this.#listeners.delete(listener);
        if (this.#listeners.size > 0) return;
        this.#looking?.abort();
        this.#looking = undefined;
        this.#known.clear();
      },
    };
  }

  async #lookUntil(signal: AbortSignal): Promise<void> {
    const recent = new RecentMessages(this.#parts);
    while (!signal.aborted) {
      const startedMs = monotonicMs();
      const waiting = new AbortController();
      this.#lookAgain = () => waiting.abort();
      const listening = [...this.#listeners];
      const isFresh = await this.#look(recent, signal).catch((error: unknown) => {
        this.#parts.onError(error);
        return false;
      });
      if (signal.aborted) return;
      // Who came meanwhile sees devices that were not looked at; the next look is theirs.
      for (const listener of listening) if (this.#listeners.has(listener)) listener.onRound(isFresh);
      const costMs = isFresh ? monotonicMs() - startedMs : 0;
      const stop = AbortSignal.any([signal, waiting.signal]);
      await delay(Math.max(MIN_INTERVAL_MS, costMs * INTERVAL_PER_COST), stop).catch(() => {});
    }
  }

  async #look(recent: RecentMessages, signal: AbortSignal): Promise<boolean> {
    const listeners = [...this.#listeners];
    const ids = (await this.#parts.devices.ids()).filter((id) => listeners.some((listener) => listener.sees(id)));
    const lanes = await readLanes(ids, this.#parts.readLane);
    const messages = await recent.look(lanes);
    if (!signal.aborted) this.#note(lanes, messages);
    return true;
  }

  #note(lanes: LaneStatus[], recent: RecentMessage[]): void {
    this.#version += 1;
    for (const lane of lanes) {
      this.#put(toDeviceFact(lane));
      this.#put(toLaneFact(lane));
    }
    const present = new Set(lanes.map(({ device }) => device.device_id));
    for (const [key, { deviceId, event, version }] of this.#known) {
      if (event === 'device_removed') {
        if (version < this.#version - REMOVAL_ROUNDS) this.#known.delete(key);
      } else if (!present.has(deviceId)) {
        this.#known.delete(key);
        if (event === 'device') {
          const data = { device_id: deviceId };
          this.#put({ key, deviceId, event: 'device_removed', data, text: 'removed' });
        }
      }
    }
    const oldestFirst = recent.toSorted((a, b) => a.record.created_at - b.record.created_at);
    for (const message of oldestFirst) this.#put(toMessageFact(message));
    const messages = [...this.#known].filter(([, { event }]) => event === 'message');
    for (const [key] of messages.slice(0, -MAX_MESSAGES)) this.#known.delete(key);
  }

  #put(fact: Fact): void {
    if (this.#known.get(fact.key)?.text === fact.text) return;
    // The newest come last.
    this.#known.delete(fact.key);
    this.#known.set(fact.key, { ...fact, version: this.#version });
  }
}
