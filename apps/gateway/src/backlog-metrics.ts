import { type LaneState, readBacklog } from '@postern/queue';
import type { Keys } from '@postern/registry';
import { Gauge, monotonicMs, type Registry, within } from '@postern/runtime';
import type { Redis } from 'ioredis';

/** Why what waits in a lane waits: its worker is at it, its device is offline, an operator paused it, or nobody owns it. */
const CONDITIONS = ['working', 'device_offline', 'paused', 'unowned'] as const;
type Condition = (typeof CONDITIONS)[number];

interface Backlog {
  lanes: LaneState[];
  unsettled: number;
  devices: number;
  readSeconds: number;
}

/** A reading serves every scrape for this long, and the longer the longer it took: at most 5 % of the time is spent on it. */
const MIN_AGE_MS = 3_000;
const AGE_PER_COST = 20;
/** A scrape waits so long for a reading; what cannot be read in time is unknown. */
const PATIENCE_MS = 2_000;

/**
 * What waits in the whole cluster, from the index of unsettled messages, so that the gateways tell it also when no worker
 * lives. Every gateway tells the same; take the maximum. NaN while Redis does not answer.
 */
export function observeBacklog(registry: Registry, { redis, keys }: { redis: Redis; keys: Keys }): void {
  const read = createCachedRead(async () => {
    const startedMs = monotonicMs();
    const [lanes, unsettled, devices] = await Promise.all([
      readBacklog(redis, keys),
      redis.zcard(keys.deadlines),
      redis.scard(keys.devices),
    ]);
    return { lanes, unsettled, devices, readSeconds: (monotonicMs() - startedMs) / 1000 };
  });
  const gauge = (name: string, help: string, value: (backlog: Backlog) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const backlog = await read();
        this.set(backlog === undefined ? Number.NaN : value(backlog));
      },
    });
  const byCondition = (name: string, help: string, value: (lanes: LaneState[]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['condition'],
      registers: [registry],
      async collect() {
        const backlog = await read();
        for (const condition of CONDITIONS) {
          const lanes = backlog?.lanes.filter((lane) => toCondition(lane) === condition);
          this.set({ condition }, lanes === undefined ? Number.NaN : value(lanes));
        }
      },
    });

  byCondition(
    'postern_backlog_lanes',
    'Lanes with messages that have not settled, by why they wait',
    (lanes) => lanes.length,
  );
  byCondition('postern_backlog_waiting', 'Messages that wait in lanes', (lanes) =>
    sum(lanes, ({ waiting }) => waiting),
  );
  byCondition('postern_backlog_active', 'Messages that a worker has taken in hand', (lanes) =>
    sum(lanes, ({ active }) => active),
  );
  byCondition(
    'postern_backlog_oldest_seconds',
    'Age of the oldest message that has not settled; 0 without one',
    toOldest,
  );
  gauge('postern_messages_unsettled', 'Accepted messages that have not settled', ({ unsettled }) => unsettled);
  gauge('postern_devices_registered', 'Devices that are registered, in any state', ({ devices }) => devices);
  gauge('postern_backlog_read_seconds', 'What the last reading of the backlog took', ({ readSeconds }) => readSeconds);
}

function toCondition({ isOwned, isPaused, isConnected }: LaneState): Condition {
  if (!isOwned) return 'unowned';
  if (isPaused) return 'paused';
  return isConnected ? 'working' : 'device_offline';
}

const sum = (lanes: LaneState[], value: (lane: LaneState) => number) =>
  lanes.reduce((total, lane) => total + value(lane), 0);

function toOldest(lanes: LaneState[]): number {
  const now = Date.now();
  return lanes.reduce((oldest, { oldestAt }) => Math.max(oldest, (now - (oldestAt ?? now)) / 1000), 0);
}

/** One reading at a time, kept for all who ask meanwhile; undefined when it fails or takes too long. */
function createCachedRead(read: () => Promise<Backlog>): () => Promise<Backlog | undefined> {
  let current: Promise<Backlog | undefined> | undefined;
  return () => {
    current ??= within(read(), PATIENCE_MS, () => new Error('too slow')).then(
      (backlog) => {
        const ageMs = Math.max(MIN_AGE_MS, backlog.readSeconds * 1000 * AGE_PER_COST);
        setTimeout(() => (current = undefined), ageMs).unref();
        return backlog;
      },
      () => {
        current = undefined;
        return undefined;
      },
    );
    return current;
  };
}
