import { parseArgs } from 'node:util';
import { DISTURBANCE_KINDS, type DisturbanceKind, kindsOf } from './plan.ts';
import type { RedisKind } from './redis-host.ts';

export interface ChaosOptions {
  messages: number;
  devices: number;
  gateways: number;
  workers: number;
  /** Of the schedule of disturbances and of what the clients choose. */
  seed: number;
  leaseTtlMs: number;
  /** One server, or a cluster of three. */
  redis: RedisKind;
  /** How many messages are begun a second, all clients together, at most. Default: as many as the answers let them. */
  perSecond: number | undefined;
  /**
   * Which kinds strike, each when the devices of the former have recovered: what one of them costs by itself. Default: all,
   * some of them while others last.
   */
  only: readonly DisturbanceKind[] | undefined;
  /** Where the processes' logs are written. Default: nowhere. */
  logDirectory: string | undefined;
  /** Told what happens, one line each. */
  onProgress: (line: string) => void;
}

/** Reads the command line. Throws a TypeError or RangeError that names what is wrong. */
export function parseOptions(args: string[]): { options: Omit<ChaosOptions, 'onProgress'>; json: boolean } {
  const { values } = parseArgs({
    args,
    options: {
      messages: { type: 'string', default: '1000' },
      devices: { type: 'string', default: '8' },
      gateways: { type: 'string', default: '2' },
      workers: { type: 'string', default: '2' },
      seed: { type: 'string', default: '1' },
      'lease-ttl-ms': { type: 'string', default: '4000' },
      'per-second': { type: 'string' },
      only: { type: 'string' },
      redis: { type: 'string', default: 'single' },
      logs: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const count = (name: Exclude<keyof typeof values, 'only' | 'redis' | 'logs' | 'json'>) => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`--${name}: expected a positive whole number`);
    return value;
  };
  const redis = parseRedis(values.redis);
  const only = values.only?.split(',').map(parseKind);
  if (kindsOf({ only, redis }).length < (only?.length ?? 0)) {
    throw new RangeError('--only: names what cannot happen to a cluster');
  }
  return {
    options: {
      messages: count('messages'),
      devices: count('devices'),
      gateways: count('gateways'),
      workers: count('workers'),
      seed: count('seed'),
      leaseTtlMs: count('lease-ttl-ms'),
      perSecond: values['per-second'] === undefined ? undefined : count('per-second'),
      redis,
      only,
      logDirectory: values.logs,
    },
    json: values.json,
  };
}

function parseKind(name: string): DisturbanceKind {
  const kind = DISTURBANCE_KINDS.find((known) => known === name);
  if (!kind) throw new RangeError(`--only: ${name} is none of ${DISTURBANCE_KINDS.join(', ')}`);
  return kind;
}

function parseRedis(kind: string): RedisKind {
  if (kind === 'single' || kind === 'cluster') return kind;
  throw new RangeError('--redis: expected single or cluster');
}
