import { type LastHolder, readLastHolders, readOwners, toVacancy } from '@postern/registry';
import { monotonicMs } from '@postern/runtime';
import type { DeviceDependencies, OwnedDevice } from './owned-device.ts';
import type { PlacementView } from './placement.ts';
import type { UnownedDevices } from './unowned-devices.ts';

export interface LookAroundOptions {
  deps: Pick<DeviceDependencies, 'redis' | 'keys' | 'workerId' | 'devices'>;
  /** Every worker that lives. */
  live: readonly string[];
  owned: ReadonlyMap<string, OwnedDevice>;
  unowned: UnownedDevices;
}

export interface Surroundings {
  view: Omit<PlacementView, 'expiredClaimsPausedUntil' | 'releasedClaimsPausedUntil'>;
  /** How many devices each other worker owns. */
  counts: Map<string, number>;
  lastHolders: Map<string, LastHolder>;
  /** Devices of ours that are not registered. */
  unregistered: OwnedDevice[];
}

/** What every worker owns, and what nobody does. */
export async function lookAround({ deps, live, owned, unowned }: LookAroundOptions): Promise<Surroundings> {
  const now = monotonicMs();
  const counts = new Map(live.filter((id) => id !== deps.workerId).map((id) => [id, 0]));
  const ids = await deps.devices.ownableIds();
  const notOurs = ids.filter((deviceId) => !owned.has(deviceId));
  const owners = await readOwners(deps.redis, deps.keys, notOurs);
  const nobodys = new Set<string>();
  for (const [index, deviceId] of notOurs.entries()) {
    const owner = owners[index];
    if (owner === undefined) nobodys.add(deviceId);
    else if (counts.has(owner)) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  unowned.see(nobodys);
  const claimable = unowned.claimable();
  const claimableIds = claimable.map(([deviceId]) => deviceId);
  const lastHolders = await readLastHolders(deps.redis, deps.keys, claimableIds);
  const view = {
    now,
    others: [...counts.values()],
    devices: ids.length,
    unowned: claimable.map(([deviceId, since]) => ({
      deviceId,
      since,
      vacancy: toVacancy(lastHolders.get(deviceId) ?? ''),
    })),
    owned: [...owned.values()].map((device) => ({
      deviceId: device.lease.deviceId,
      busy: device.inHand > 0,
      pairing: device.state === 'pairing',
    })),
  };
  const registered = new Set(ids);
  const unregistered = [...owned.values()].filter(({ lease }) => !registered.has(lease.deviceId));
  return { view, counts, lastHolders, unregistered };
}
