import { Failure } from '@postern/contract';
import { type Keys, takeOfWindow } from '@postern/registry';
import type { Redis } from 'ioredis';

/** How many messages one caller may ask for within a window, through all gateways together; a `max` of 0: any number. */
export interface RateLimit {
  max: number;
  windowMs: number;
}

/** Counts a request of this caller. Throws RATE_LIMITED with the time to wait, and counts nothing then. */
export async function assertWithinRate(redis: Redis, keys: Keys, principal: string, limit: RateLimit): Promise<void> {
  const waitMs = await takeOfWindow(redis, keys.rate(principal), limit);
  if (waitMs === 0) return;
  throw new Failure(
    'RATE_LIMITED',
    `${limit.max} messages within ${limit.windowMs} ms is the most that this key may send`,
    {
      retryAfterSeconds: Math.ceil(waitMs / 1000),
    },
  );
}
