import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Phone } from '@postern/simulator';
import type { ServiceProcess } from '../support/service-process.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { Fleet } from './fleet.ts';
import type { ChaosOptions } from './options.ts';
import { type RedisHost, startRedisHost } from './redis-host.ts';
import { createWitness, type Witness } from './witness.ts';

/** What the disturbances befall: every process, the devices and the phones they write to. */
export interface World {
  stack: Stack;
  redis: RedisHost;
  /** One more worker, whose wall clock may be ahead. */
  startWorker(clockAheadMs?: number): Promise<ServiceProcess>;
  gateways: Fleet;
  workers: Fleet;
  /** Names of the devices. */
  devices: string[];
  /** Full JID of each device, by its name. */
  jids: Map<string, string>;
  /** Who is written to. */
  recipients: Phone[];
  witness: Witness;
  stop(): Promise<void>;
}

/** Longer than any request takes from its image to its acceptance on a machine that is far too busy. */
const BLOB_GRACE_MS = 15_000;
const CLOCK_AHEAD = new URL('../support/clock-ahead.ts', import.meta.url).href;
const RECIPIENTS = 6;
const PAIRED_AT_ONCE = 4;

const gatewayEnv = { BLOB_GRACE_MS: String(BLOB_GRACE_MS), SYNC_WAIT_MS: '5000' };
const workerEnv = {
  ACK_TIMEOUT_MS: '3000',
  SEND_BACKOFF_MS: '200',
  QUERY_TIMEOUT_MS: '8000',
  CONNECT_TIMEOUT_MS: '8000',
};

/** Starts everything, pairs the devices, and lets the workers share them. */
export async function startWorld(options: ChaosOptions): Promise<World> {
  const redis = await startRedisHost(options.redis);
  const stack = await startStack({
    redisUrl: redis.url,
    gatewayEnv,
    workerEnv: { ...workerEnv, LEASE_TTL_MS: String(options.leaseTtlMs) },
    simulator: { seed: options.seed, keep: options.messages + 1_000 },
  });
  try {
    return await populate(stack, redis, options);
  } catch (error) {
    await stack.stop();
    await redis.stop();
    throw error;
  }
}

async function populate(stack: Stack, redis: RedisHost, options: ChaosOptions): Promise<World> {
  const more = (count: number, start: () => Promise<ServiceProcess>) =>
    Promise.all(Array.from({ length: count - 1 }, () => start()));
  const startGateway = () => stack.startGateway();
  const startWorker = (clockAheadMs?: number) =>
    stack.startWorker({}, clockAheadMs === undefined ? [] : ['--import', `${CLOCK_AHEAD}?ms=${clockAheadMs}`]);
  const { save, ended } = keepLogs(options.logDirectory);
  const gateways = new Fleet([stack.gateway, ...(await more(options.gateways, startGateway))], startGateway, ended);
  const workers = new Fleet([stack.worker, ...(await more(options.workers, startWorker))], startWorker, ended);
  const recipients = Array.from({ length: RECIPIENTS }, (_, n) =>
    stack.simulator.addPhone({ number: String(6_281_900_000_000 + n) }),
  );
  const devices = Array.from({ length: options.devices }, (_, n) => `device-${n}`);
  const jids = new Map<string, string>();
  for (let first = 0; first < devices.length; first += PAIRED_AT_ONCE) {
    const pair = async (device: string, n: number) => {
      const phone = await stack.pair(device, String(6_281_100_000_000 + first + n));
      jids.set(device, phone.linked()[0] ?? '');
    };
    await Promise.all(devices.slice(first, first + PAIRED_AT_ONCE).map(pair));
  }
  const stop = async () => {
    const services = [...gateways.slots, ...workers.slots].map(({ service }) => service);
    // Before the Redis that was started last, without which they stop slowly.
    await Promise.all(services.map((service) => service.stop()));
    services.forEach(ended);
    await save();
    await stack.stop();
    await redis.stop();
  };
  return {
    stack,
    redis,
    startWorker,
    gateways,
    workers,
    devices,
    jids,
    recipients,
    witness: createWitness(stack.simulator),
    stop,
  };
}

function keepLogs(directory: string | undefined) {
  const kept: ServiceProcess[] = [];
  return {
    ended: (service: ServiceProcess) => {
      if (directory !== undefined) kept.push(service);
    },
    save: async () => {
      if (directory === undefined) return;
      await mkdir(directory, { recursive: true });
      for (const service of kept) {
        const name = service.ready['worker_id'] === undefined ? 'gateway' : 'worker';
        await writeFile(join(directory, `${name}-${service.pid}.log`), service.output());
      }
    },
  };
}
