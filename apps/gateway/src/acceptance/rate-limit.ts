import { randomUUID } from 'node:crypto';
import { Failure } from '@postern/contract';
import { giveBackToWindow, type Keys, takeOfWindow } from '@postern/registry';
import type { Redis } from 'ioredis';

/** How many messages one caller may ask for within a window, through all gateways together; a `max` of 0: any number. */
export interface RateLimit {
  max: number;
  windowMs: number;
}

/**
 * Counts a request of this caller, and answers how to take that back. Throws RATE_LIMITED with the time to wait, and counts
 * nothing then.
 */
export async function takeOfRate(
  redis: Redis,
  keys: Keys,
  principal: string,
  limit: RateLimit,
): Promise<() => Promise<void>> {
  const key = keys.rate(principal);
  const entry = randomUUID();
  const waitMs = await takeOfWindow(redis, key, limit, entry);
  if (waitMs === 0) return () => giveBackToWindow(redis, key, limit, entry);
  throw new Failure(
    'RATE_LIMITED',
    `${limit.max} messages within ${limit.windowMs} ms is the most that this key may send`,
    {
      retryAfterSeconds: Math.ceil(waitMs / 1000),
    },
  );
}
