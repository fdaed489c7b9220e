import { Failure } from '@postern/contract';
import type { Producer } from '@postern/queue';

export interface LaneLimit {
  /** Throws QUEUE_FULL when the device's lane is at its limit. */
  check(deviceId: string): Promise<void>;
  /** The same for one message more, which counts from now until the answered release is called. */
  reserve(deviceId: string): Promise<() => void>;
}

const RETRY_AFTER_SECONDS = 10;

/** Bounds how many messages wait in a lane; exact for one gateway, and off by what others accept in the same instant. */
export function createLaneLimit(producer: Pick<Producer, 'depth'>, limit: number): LaneLimit {
  const reserved = new Map<string, number>();
  const change = (deviceId: string, by: number) => {
    const count = (reserved.get(deviceId) ?? 0) + by;
    if (count === 0) reserved.delete(deviceId);
    else reserved.set(deviceId, count);
    return count;
  };
  const refuseAbove = async (deviceId: string, added: number) => {
    const waiting = await producer.depth(deviceId);
    if (waiting + added <= limit) return;
    throw new Failure('QUEUE_FULL', `${waiting} messages of this device are waiting already, the most that may`, {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      details: { device_id: deviceId },
    });
  };
  return {
    check: (deviceId) => refuseAbove(deviceId, 1),
    async reserve(deviceId) {
      const ours = change(deviceId, 1);
      try {
        await refuseAbove(deviceId, ours);
      } catch (error) {
        change(deviceId, -1);
        throw error;
      }
      return () => change(deviceId, -1);
    },
  };
}
