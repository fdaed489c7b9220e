import type { LaneStatus } from '@postern/queue';

/** Commands in flight: few enough that their answers do not keep the event loop busy in one go. */
const AT_ONCE = 50;

/** The lanes of these devices, in their order, without those that are gone meanwhile. */
export async function readLanes(
  deviceIds: readonly string[],
  read: (deviceId: string) => Promise<LaneStatus | undefined>,
): Promise<LaneStatus[]> {
  const found: LaneStatus[] = [];
  for (let from = 0; from < deviceIds.length; from += AT_ONCE) {
    const statuses = await Promise.all(deviceIds.slice(from, from + AT_ONCE).map(read));
    found.push(...statuses.filter((status) => status !== undefined));
  }
  return found;
}
