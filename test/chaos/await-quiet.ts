import { setTimeout as sleep } from 'node:timers/promises';
import { createKeys } from '@postern/registry';
import { waitUntil } from '../support/wait-until.ts';
import { follow, type Status } from './follow.ts';
import type { Random } from './random.ts';
import type { Sending } from './sending.ts';
import type { World } from './world.ts';

const QUIET_MS = 90_000;
const AT_ONCE = 20;
const ARRIVAL_MS = 5_000;
/** What a process that died or stood still has left is dropped by the reconciler's second look, 75 s later at most. */
const SWEPT_WITHIN_MS = 90_000;

export interface Leftovers {
  waiting: number;
  active: number;
  jobs: number;
  deadlines: number;
  blobs: number;
}

/** Without any further disturbance: the status of every id once it is final, as far as that comes within a bound. */
export async function awaitFinal(
  sendings: readonly Sending[],
  world: World,
  random: Random,
): Promise<Map<string, Status>> {
  world.stack.simulator.faults.clear();
  const statuses = new Map<string, Status>();
  const ids = sendings.flatMap((sending) => sending.ids);
  const deadline = Date.now() + QUIET_MS;
  const followNext = async () => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const status = await follow(() => world.gateways.url(random), id, Math.max(1_000, deadline - Date.now()));
      if (status) statuses.set(id, status);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, followNext));
  // What the server took last is still being fetched by its phone.
  await sleep(Math.min(ARRIVAL_MS, 1_000 + sendings.length));
  return statuses;
}

/** What is still kept for messages when the sweeps have had their time. */
export async function awaitSwept({ stack, devices }: World): Promise<Leftovers> {
  const look = async (): Promise<Leftovers> => {
    const each = await Promise.all(devices.map((device) => stack.leftovers(device)));
    const sum = (of: 'waiting' | 'active' | 'jobs') => each.reduce((total, one) => total + one[of], 0);
    return {
      waiting: sum('waiting'),
      active: sum('active'),
      jobs: sum('jobs'),
      deadlines: await stack.redis.zcard(createKeys('postern').deadlines),
      blobs: each[0]?.files ?? 0,
    };
  };
  const isEmpty = (left: Leftovers) => Object.values(left).every((count) => count === 0);
  const swept = waitUntil('nothing is left', async () => isEmpty(await look()), SWEPT_WITHIN_MS);
  await swept.catch(() => {});
  return look();
}
