import { readDepths } from '@postern/queue';
import type { Keys } from '@postern/registry';
import type { Redis } from 'ioredis';
import type { OwnedDevice } from './owned-device.ts';

/** Wakes the closed lanes in which something waits: a producer's wake is only a hint, and may be lost. */
export async function wakeFilledLanes(
  devices: OwnedDevice[],
  { redis, keys }: { redis: Redis; keys: Keys },
): Promise<void> {
  const closed = devices.filter((device) => !device.isLaneOpen);
  const ids = closed.map((device) => device.lease.deviceId);
  const depths = await readDepths(redis, keys, ids);
  for (const [index, device] of closed.entries()) if ((depths[index] ?? 0) > 0) device.wakeLane();
}
