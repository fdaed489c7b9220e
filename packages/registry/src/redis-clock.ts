import { type Clock, delay, monotonicMs } from '@postern/runtime';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** Time as far as Redis served us in it. What waits for Redis is not judged by time in which Redis was away. */
export interface RedisClock {
  /** A monotonic clock in milliseconds that stands still while Redis is away. */
  readonly clock: Clock;
  /** How many milliseconds since this moment (Unix milliseconds) were not of an outage that this process has seen. */
  servedSince(unixMs: number): number;
  /** For how long Redis has been away by now, in milliseconds; 0 while it serves. */
  awayMs(): number;
}

export interface RedisClockOptions {
  /** How much longer than it was seen an outage counts for `servedSince`, before and after it, in milliseconds. Default: 0. */
  marginMs?: number;
}

const ASK_EVERY_MS = 250;
/** A question that is unanswered for longer means that Redis is away. */
const PATIENCE_MS = 1_000;
const REMEMBERED_OUTAGES = 100;

/**
 * Asks Redis four times a second, over the connection that the process works with, for a write that a full Redis takes,
 * too. It is away while it does not answer, loads its file, or refuses writes.
 */
export function startRedisClock(
  redis: Redis,
  keys: Keys,
  { marginMs = 0 }: RedisClockOptions = {},
): RedisClock & { stop(): void } {
  const stopping = new AbortController();
  const outages: { from: number; to: number }[] = [];
  let stoodMs = 0;
  /** When Redis was asked what it has not answered yet. */
  let askedAt = Number.POSITIVE_INFINITY;
  let refusedAt = Number.POSITIVE_INFINITY;

  const awayMs = (now = monotonicMs()) => Math.max(0, now - Math.min(refusedAt, askedAt + PATIENCE_MS));
  const onServed = () => {
    const away = awayMs();
    askedAt = Number.POSITIVE_INFINITY;
    refusedAt = Number.POSITIVE_INFINITY;
    if (away === 0) return;
    stoodMs += away;
    outages.push({ from: Date.now() - away - marginMs, to: Date.now() + marginMs });
    if (outages.length > REMEMBERED_OUTAGES) outages.shift();
  };
  const ask = async () => {
    askedAt = Math.min(askedAt, monotonicMs());
    try {
      await redis.del(keys.neverThere);
      onServed();
    } catch (error) {
      // Any other error is of a connection, or of a Redis that was too slow for this profile: silence.
      if (error instanceof Error && error.name === 'ReplyError') refusedAt = Math.min(refusedAt, monotonicMs());
    }
  };
  const repeat = async () => {
    while (!stopping.signal.aborted) {
      await ask();
      await delay(ASK_EVERY_MS, stopping.signal).catch(() => {});
    }
  };
  // It never rejects, and a question that is never answered ends with the connection.
  void repeat();

  return {
    clock() {
      const now = monotonicMs();
      return now - stoodMs - awayMs(now);
    },
    awayMs: () => awayMs(),
    servedSince(unixMs) {
      const now = Date.now();
      const current = awayMs();
      const all = current > 0 ? [...outages, { from: now - current - marginMs, to: now }] : outages;
      const away = all.map(({ from, to }) => Math.min(to, now) - Math.max(from, unixMs)).filter((ms) => ms > 0);
      return Math.max(0, now - unixMs - away.reduce((sum, ms) => sum + ms, 0));
    },
    stop: () => stopping.abort(),
  };
}
