import type { ChaosOptions } from './options.ts';
import { createRandom, type Random } from './random.ts';
import type { RedisKind } from './redis-host.ts';

/** Something that goes wrong. Devices and slots are named by their number, from 0; times in milliseconds. */
export type Disturbance =
  | { kind: 'kill_worker' | 'stop_worker' | 'kill_gateway' | 'stop_gateway'; slot: number; downMs: number }
  /** Stopped in its tracks, for longer than a lease: its devices are taken over, then it goes on. */
  | { kind: 'freeze_worker'; slot: number; downMs: number }
  /** From now on a worker whose wall clock is ahead. */
  | { kind: 'clock_ahead'; slot: number; aheadMs: number }
  | RedisDisturbance
  /** The folder of the images is gone, and comes back with everything in it. */
  | { kind: 'lose_blobs'; downMs: number }
  | { kind: 'cut_socket'; device: number }
  /** The device's socket stays open and carries nothing any more, from its next stanza on. */
  | { kind: 'half_open'; device: number }
  | { kind: 'drop_ack' | 'close_before_ack' | 'close_after_ack'; device: number; count: number }
  | { kind: 'delay_ack'; device: number; count: number; delayMs: number };

/** See RedisHost. `away_redis`: for minutes, as when it loads a large file on another machine. */
export type RedisDisturbance = {
  kind: 'kill_redis' | 'freeze_redis' | 'away_redis' | 'fill_redis' | 'half_open_redis' | 'demote_redis';
  downMs: number;
};

export type DisturbanceKind = Disturbance['kind'];

export interface Planned {
  disturbance: Disturbance;
  /** How many messages have been begun when it strikes. */
  at: number;
  /** Whether the next one waits until this one is over. */
  alone: boolean;
}

const ROUND_MESSAGES = 500;
/** How often each kind strikes within 500 messages. */
const PER_ROUND = {
  kill_worker: 1,
  stop_worker: 1,
  freeze_worker: 1,
  kill_gateway: 1,
  stop_gateway: 1,
  kill_redis: 1,
  freeze_redis: 1,
  half_open_redis: 1,
  lose_blobs: 1,
  cut_socket: 4,
  half_open: 1,
  drop_ack: 5,
  delay_ack: 8,
  close_before_ack: 2,
  close_after_ack: 2,
} as const satisfies Partial<Record<DisturbanceKind, number>>;
type EachRound = keyof typeof PER_ROUND;

/** What strikes once, however many messages there are. */
const PER_RUN = ['away_redis', 'demote_redis', 'fill_redis', 'clock_ahead'] as const;
type EachRun = Exclude<DisturbanceKind, EachRound>;
const ONCE: readonly EachRun[] = PER_RUN satisfies readonly EachRun[];

export const DISTURBANCE_KINDS: readonly DisturbanceKind[] = [...(Object.keys(PER_ROUND) as EachRound[]), ...ONCE];
/** Stands between the processes and one server, so there is none with a cluster. */
const NOT_OF_CLUSTERS: ReadonlySet<DisturbanceKind> = new Set(['half_open_redis', 'demote_redis']);

/** The longest that Redis is away; in a run of fewer messages less. */
const AWAY_MS = 130_000;
const AWAY_MS_PER_MESSAGE = 65;
/** More than any message may wait: by this clock all of them have expired. */
const AHEAD_MS = 26 * 3_600_000;

export type PlanOptions = Pick<
  ChaosOptions,
  'messages' | 'devices' | 'gateways' | 'workers' | 'seed' | 'leaseTtlMs'
> & {
  only?: ChaosOptions['only'];
  redis?: RedisKind;
};

export function kindsOf({ only, redis }: Pick<PlanOptions, 'only' | 'redis'>): readonly DisturbanceKind[] {
  return (only ?? DISTURBANCE_KINDS).filter((kind) => redis !== 'cluster' || !NOT_OF_CLUSTERS.has(kind));
}

/** The schedule of a seed: at least one disturbance of most kinds for every 500 messages begun, and of each in the run. */
export function createPlan(options: PlanOptions): Planned[] {
  const random = createRandom(options.seed);
  const rounds = Math.ceil(options.messages / ROUND_MESSAGES);
  const roundLength = options.messages / rounds;
  const plan: Planned[] = [];
  const add = (kind: DisturbanceKind, from: number, length: number) => {
    const at = Math.floor(from + random.next() * 0.9 * length);
    const disturbance = disturb(kind, options, random);
    plan.push({ disturbance, at, alone: random.chance(options.only === undefined ? 0.75 : 1) });
  };
  const kinds = kindsOf(options);
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of kinds) {
      if (isOnce(kind)) continue;
      for (let n = 0; n < PER_ROUND[kind]; n += 1) add(kind, round * roundLength, roundLength);
    }
  }
  for (const kind of kinds.filter(isOnce)) add(kind, 0, options.messages);
  return plan.toSorted((a, b) => a.at - b.at);
}

function isOnce(kind: DisturbanceKind): kind is EachRun {
  return (ONCE as readonly DisturbanceKind[]).includes(kind);
}

function disturb(
  kind: DisturbanceKind,
  { messages, devices, gateways, workers, leaseTtlMs }: PlanOptions,
  random: Random,
): Disturbance {
  const device = random.integer(0, devices - 1);
  switch (kind) {
    case 'kill_worker':
    case 'stop_worker':
      return { kind, slot: random.integer(0, workers - 1), downMs: random.integer(0, leaseTtlMs) };
    case 'freeze_worker':
      return { kind, slot: random.integer(0, workers - 1), downMs: random.integer(leaseTtlMs, 3 * leaseTtlMs) };
    case 'clock_ahead':
      return { kind, slot: random.integer(0, workers - 1), aheadMs: AHEAD_MS };
    case 'kill_gateway':
    case 'stop_gateway':
      return { kind, slot: random.integer(0, gateways - 1), downMs: random.integer(0, 1_500) };
    case 'kill_redis':
    case 'freeze_redis':
      // Every third outage is longer than a lease.
      return { kind, downMs: random.chance(1 / 3) ? Math.round(1.4 * leaseTtlMs) : random.integer(300, 1_800) };
    case 'away_redis':
      return { kind, downMs: Math.min(AWAY_MS, AWAY_MS_PER_MESSAGE * messages) };
    case 'half_open_redis':
    case 'demote_redis':
    case 'fill_redis':
      return { kind, downMs: random.integer(4_000, 8_000) };
    case 'lose_blobs':
      return { kind, downMs: random.integer(1_000, 6_000) };
    case 'cut_socket':
    case 'half_open':
      return { kind, device };
    case 'drop_ack':
    case 'close_before_ack':
    case 'close_after_ack':
      return { kind, device, count: kind === 'drop_ack' ? random.integer(1, 2) : 1 };
    case 'delay_ack':
      return { kind, device, count: random.integer(1, 4), delayMs: random.integer(200, 3_500) };
  }
}
