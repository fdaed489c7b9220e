import { isEvicting, type RedisFacts, toUsedPart } from './redis-facts.ts';

/**
 * What is wrong with a Redis that answers. `evicting`: it may delete what was accepted, so nothing is accepted and nobody
 * is ready. `not_append_only`: it forgets what was accepted when it dies. `high_water`: gateways accept nothing more, and
 * what is left of its memory is for what was accepted to end.
 */
export const REDIS_PROBLEMS = ['evicting', 'not_append_only', 'high_water'] as const;
export type RedisProblem = (typeof REDIS_PROBLEMS)[number];

export interface RedisDemands {
  /** From how full on gateways accept nothing more, in percent; 100: however full. */
  highWaterPercent: number;
  /** Whether a Redis without an append-only file is wanted so. */
  allowNoAppendOnly: boolean;
}

/** Each problem with what is seen of it; undefined where there is none, or where Redis does not say. */
export function findRedisProblems(
  facts: RedisFacts,
  { highWaterPercent, allowNoAppendOnly }: RedisDemands,
): Record<RedisProblem, string | undefined> {
  const usedPercent = toUsedPart(facts) * 100;
  return {
    evicting: isEvicting(facts)
      ? `its maxmemory-policy is ${facts.evictionPolicy}: it would delete what was accepted; set noeviction`
      : undefined,
    not_append_only:
      facts.isAppendOnly === false && !allowNoAppendOnly
        ? 'it has no append-only file: what was accepted is lost when it dies; set appendonly yes'
        : undefined,
    high_water:
      highWaterPercent < 100 && usedPercent >= highWaterPercent
        ? `it is ${Math.floor(usedPercent)} % full: nothing more is accepted from ${highWaterPercent} % on`
        : undefined,
  };
}
