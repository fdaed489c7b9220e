import { rename, rm } from 'node:fs/promises';
import { createKeys, readOwners } from '@postern/registry';
import { delay, within } from '@postern/runtime';
import { awaitRecovered } from './await-recovered.ts';
import type { Gate } from './gate.ts';
import type { Disturbance, DisturbanceKind, Planned, RedisDisturbance } from './plan.ts';
import type { World } from './world.ts';

const keys = createKeys('postern');
const OWNERS_MS = 1_000;

export interface CarryOutOptions {
  /** Whether each waits until the devices of the former have recovered. */
  isolated: boolean;
  onProgress: (line: string) => void;
}

/** Carries out the plan as the messages go by; answers how often each kind struck, when all are over. */
export async function carryOut(
  plan: readonly Planned[],
  gate: Gate,
  world: World,
  { isolated, onProgress }: CarryOutOptions,
): Promise<Partial<Record<DisturbanceKind, number>>> {
  const counts: Partial<Record<DisturbanceKind, number>> = {};
  const running: Promise<void>[] = [];
  let redisFree: Promise<void> = Promise.resolve();
  let blobsFree: Promise<void> = Promise.resolve();
  const strike = (disturbance: Disturbance): Promise<void> => {
    if (isOfRedis(disturbance)) {
      redisFree = redisFree.then(() => disturbRedis(disturbance, world));
      return redisFree;
    }
    if (disturbance.kind === 'lose_blobs') {
      blobsFree = blobsFree.then(() => loseBlobs(disturbance.downMs, world));
      return blobsFree;
    }
    return disturb(disturbance, world);
  };
  for (const { disturbance, at, alone } of plan) {
    await gate.reached(at);
    counts[disturbance.kind] = (counts[disturbance.kind] ?? 0) + 1;
    gate.struck();
    onProgress(`after ${gate.begun} messages: ${JSON.stringify(disturbance)}`);
    const over = strike(disturbance);
    running.push(over);
    // Whatever goes wrong is thrown by the last line.
    over.catch(() => {});
    if (alone) await over;
    if (isolated) await awaitRecovered(world, onProgress);
  }
  await Promise.all(running);
  return counts;
}

function isOfRedis(disturbance: Disturbance): disturbance is RedisDisturbance {
  return disturbance.kind.endsWith('_redis');
}

async function disturbRedis({ kind, downMs }: RedisDisturbance, { redis, witness }: World): Promise<void> {
  const outage = { from: Date.now(), to: Number.POSITIVE_INFINITY };
  witness.outages.push(outage);
  switch (kind) {
    case 'kill_redis':
      await redis.kill(downMs);
      break;
    case 'away_redis':
      await redis.takeAway(downMs);
      break;
    case 'freeze_redis':
      await redis.freeze(downMs);
      break;
    case 'fill_redis':
      await redis.fill(downMs);
      break;
    case 'half_open_redis':
      redis.cutSilently();
      // Until everybody has noticed, more or less.
      await delay(downMs);
      break;
    case 'demote_redis':
      await redis.demote(downMs);
  }
  outage.to = Date.now();
}

async function loseBlobs(downMs: number, { stack }: World): Promise<void> {
  const elsewhere = `${stack.blobDirectory}.away`;
  await rename(stack.blobDirectory, elsewhere);
  await delay(downMs);
  // A process that has started meanwhile may have made a folder in its place; a mount that comes back hides that.
  await rename(stack.blobDirectory, `${stack.blobDirectory}.hidden`).catch(() => {});
  await rm(`${stack.blobDirectory}.hidden`, { recursive: true, force: true });
  await rename(elsewhere, stack.blobDirectory);
}

type Other = Exclude<Disturbance, RedisDisturbance | { kind: 'lose_blobs' }>;

async function disturb(disturbance: Other, world: World): Promise<void> {
  const { stack, gateways, workers, devices, jids } = world;
  const noteLetGo = (how: 'killed' | 'stopped') => async (workerId: unknown) => {
    world.witness.letGo.push({ how, devices: await devicesOf(workerId, world), at: Date.now() });
  };
  switch (disturbance.kind) {
    case 'kill_worker':
      return workers.bounce(disturbance, 'SIGKILL', noteLetGo('killed'));
    case 'stop_worker':
      return workers.bounce(disturbance, 'SIGTERM', noteLetGo('stopped'));
    case 'clock_ahead': {
      const start = () => world.startWorker(disturbance.aheadMs);
      return workers.bounce({ ...disturbance, downMs: 0, start }, 'SIGTERM', noteLetGo('stopped'));
    }
    case 'freeze_worker': {
      const frozen = { from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY, devices: [] as string[] };
      await workers.freeze(disturbance, async (workerId) => {
        frozen.devices = (await devicesOf(workerId, world)).map((id) => jids.get(id) ?? '');
        frozen.from = Date.now();
        world.witness.frozen.push(frozen);
      });
      frozen.to = Date.now();
      return;
    }
    case 'kill_gateway':
      return gateways.bounce(disturbance, 'SIGKILL');
    case 'stop_gateway':
      return gateways.bounce(disturbance, 'SIGTERM');
    case 'cut_socket':
      stack.simulator.closeDevice(jids.get(devices[disturbance.device] ?? '') ?? '');
      return;
    case 'half_open':
      stack.simulator.faults.add({ kind: 'freeze', device: jids.get(devices[disturbance.device] ?? '') ?? '' });
      return;
    default: {
      const { device, ...fault } = disturbance;
      stack.simulator.faults.add({ ...fault, device: jids.get(devices[device] ?? '') ?? '' });
    }
  }
}

/** The devices that a worker owns; none when Redis does not say. */
async function devicesOf(workerId: unknown, { stack, devices }: World): Promise<string[]> {
  const asked = readOwners(stack.redis, keys, devices);
  const owners = await within(asked, OWNERS_MS, () => new Error('Redis is away')).catch(() => []);
  return devices.filter((_, n) => owners[n] === workerId);
}
