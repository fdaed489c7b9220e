import { createKeys, readOwners } from '@postern/registry';
import { delay, within } from '@postern/runtime';
import { awaitRecovered } from './await-recovered.ts';
import type { Gate } from './gate.ts';
import type { Disturbance, DisturbanceKind, Planned } from './plan.ts';
import type { LetGo } from './witness.ts';
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
  const strike = (disturbance: Disturbance): Promise<void> => {
    if (!isOfRedis(disturbance)) return disturb(disturbance, world);
    redisFree = redisFree.then(() => disturbRedis(disturbance, world));
    return redisFree;
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

type RedisDisturbance = Extract<Disturbance, { kind: 'kill_redis' | 'freeze_redis' }>;

function isOfRedis(disturbance: Disturbance): disturbance is RedisDisturbance {
  return disturbance.kind === 'kill_redis' || disturbance.kind === 'freeze_redis';
}

async function disturbRedis({ kind, downMs }: RedisDisturbance, { stack, witness }: World): Promise<void> {
  const outage = { from: Date.now(), to: Number.POSITIVE_INFINITY };
  witness.outages.push(outage);
  const { pid } = stack.redisServer;
  process.kill(pid, kind === 'kill_redis' ? 'SIGKILL' : 'SIGSTOP');
  await delay(downMs);
  if (kind === 'kill_redis') await stack.restartRedis();
  else process.kill(pid, 'SIGCONT');
  outage.to = Date.now();
}

async function disturb(disturbance: Exclude<Disturbance, RedisDisturbance>, world: World): Promise<void> {
  const { stack, gateways, workers, devices, jids } = world;
  switch (disturbance.kind) {
    case 'kill_worker':
      return workers.bounce(disturbance.slot, 'SIGKILL', disturbance.downMs, (worker) =>
        noteLetGo('killed', worker.ready['worker_id'], world),
      );
    case 'stop_worker':
      return workers.bounce(disturbance.slot, 'SIGTERM', disturbance.downMs, (worker) =>
        noteLetGo('stopped', worker.ready['worker_id'], world),
      );
    case 'kill_gateway':
      return gateways.bounce(disturbance.slot, 'SIGKILL', disturbance.downMs, async () => {});
    case 'stop_gateway':
      return gateways.bounce(disturbance.slot, 'SIGTERM', disturbance.downMs, async () => {});
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

async function noteLetGo(how: LetGo['how'], workerId: unknown, { stack, devices, witness }: World): Promise<void> {
  const asked = readOwners(stack.redis, keys, devices);
  const owners = await within(asked, OWNERS_MS, () => new Error('Redis is away')).catch(() => []);
  const owned = devices.filter((_, n) => owners[n] === workerId);
  witness.letGo.push({ how, devices: owned, at: Date.now() });
}
