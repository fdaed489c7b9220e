import type { DevicePace } from '@postern/contract';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { takeOfWindow } from './sliding-window.ts';

export interface Pacing {
  /**
   * Asks for leave to send one message now. Answers 0 when it is given (and counted), else the milliseconds after which
   * to ask again. The limit holds across owners.
   */
  ask(deviceId: string, pace: DevicePace): Promise<number>;
}

export function createPacing(redis: Redis, keys: Keys): Pacing {
  return {
    ask: (deviceId, { max, window_ms }) =>
      takeOfWindow(redis, keys.device(deviceId).pace, { max, windowMs: window_ms }),
  };
}
