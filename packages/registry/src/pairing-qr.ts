import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** The QR a device shows right now. It lives in Redis no longer than it is valid. */
export interface PairingQr {
  /** The text inside the QR. */
  qr: string;
  /** Unix milliseconds. */
  expiresAt: number;
}

export interface PairingQrs {
  show(deviceId: string, qr: string, validMs: number): Promise<void>;
  current(deviceId: string): Promise<PairingQr | undefined>;
  clear(deviceId: string): Promise<void>;
}

export function createPairingQrs(redis: Redis, keys: Keys): PairingQrs {
  const key = (deviceId: string) => keys.device(deviceId).qr;
  return {
    async show(deviceId, qr, validMs) {
      const shown: PairingQr = { qr, expiresAt: Date.now() + validMs };
      await redis.set(key(deviceId), JSON.stringify(shown), 'PX', validMs);
    },
    async current(deviceId) {
      const json = await redis.get(key(deviceId));
      return json === null ? undefined : (JSON.parse(json) as PairingQr);
    },
    async clear(deviceId) {
      await redis.del(key(deviceId));
    },
  };
}
