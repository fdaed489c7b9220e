import type { DeviceRecord } from '@postern/contract';
import { type Keys, toDeviceRecord, toOwner } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';

/** What must be known of a device before anything is accepted for it. */
export interface DeviceLook {
  /** Undefined when none has this id. */
  device: DeviceRecord | undefined;
  /** The worker that holds its lease. */
  owner: string | undefined;
  /** How many of its messages wait for that worker. */
  waiting: number;
}

/** Looks at a device, by its id, in one round trip. */
export async function lookAtDevice(redis: Redis, keys: Keys, deviceId: string): Promise<DeviceLook> {
  const { record, lease } = keys.device(deviceId);
  const { wait } = toLaneKeys(keys, deviceId);
  const replies = await redis.pipeline().hgetall(record).get(lease).llen(wait).exec();
  const [hash, token, waiting] = (replies ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
  return {
    device: toDeviceRecord(deviceId, hash as Record<string, string>),
    owner: toOwner(token as string | null),
    waiting: waiting as number,
  };
}
