import type { ChaosOptions } from './options.ts';
import { createRandom, type Random } from './random.ts';

/** Something that goes wrong. Devices and slots are named by their number, from 0; times in milliseconds. */
export type Disturbance =
  | { kind: 'kill_worker' | 'stop_worker' | 'kill_gateway' | 'stop_gateway'; slot: number; downMs: number }
  | { kind: 'kill_redis' | 'freeze_redis'; downMs: number }
  | { kind: 'cut_socket'; device: number }
  /** The device's socket stays open and carries nothing any more, from its next stanza on. */
  | { kind: 'half_open'; device: number }
  | { kind: 'drop_ack' | 'close_before_ack' | 'close_after_ack'; device: number; count: number }
  | { kind: 'delay_ack'; device: number; count: number; delayMs: number };

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
  kill_gateway: 1,
  stop_gateway: 1,
  kill_redis: 1,
  freeze_redis: 1,
  cut_socket: 4,
  half_open: 1,
  drop_ack: 5,
  delay_ack: 8,
  close_before_ack: 2,
  close_after_ack: 2,
} as const satisfies Record<DisturbanceKind, number>;

export const DISTURBANCE_KINDS = Object.keys(PER_ROUND) as DisturbanceKind[];

/** The schedule of a seed: at least one disturbance of each kind for every 500 messages begun. */
export function createPlan(
  options: Pick<ChaosOptions, 'messages' | 'devices' | 'gateways' | 'workers' | 'seed'> & {
    leaseTtlMs: number;
    only?: ChaosOptions['only'];
  },
): Planned[] {
  const random = createRandom(options.seed);
  const rounds = Math.ceil(options.messages / ROUND_MESSAGES);
  const roundLength = options.messages / rounds;
  const plan: Planned[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of options.only ?? DISTURBANCE_KINDS) {
      for (let n = 0; n < PER_ROUND[kind]; n += 1) {
        const at = Math.floor((round + random.next() * 0.9) * roundLength);
        const disturbance = disturb(kind, options, random);
        plan.push({ disturbance, at, alone: random.chance(options.only === undefined ? 0.75 : 1) });
      }
    }
  }
  return plan.toSorted((a, b) => a.at - b.at);
}

function disturb(
  kind: DisturbanceKind,
  { devices, gateways, workers, leaseTtlMs }: Parameters<typeof createPlan>[0],
  random: Random,
): Disturbance {
  const device = random.integer(0, devices - 1);
  switch (kind) {
    case 'kill_worker':
    case 'stop_worker':
      return { kind, slot: random.integer(0, workers - 1), downMs: random.integer(0, leaseTtlMs) };
    case 'kill_gateway':
    case 'stop_gateway':
      return { kind, slot: random.integer(0, gateways - 1), downMs: random.integer(0, 1_500) };
    case 'kill_redis':
    case 'freeze_redis':
      // Every third outage is longer than a lease.
      return { kind, downMs: random.chance(1 / 3) ? Math.round(1.4 * leaseTtlMs) : random.integer(300, 1_800) };
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
