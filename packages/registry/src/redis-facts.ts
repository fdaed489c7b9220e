import type { Redis } from 'ioredis';
import { toMasters } from './scan-keys.ts';

/** What a Redis says of itself; of a cluster, its fullest node, and the worst setting of any. Undefined: it does not say. */
export interface RedisFacts {
  usedBytes: number | undefined;
  /** `maxmemory`, or the memory of its machine without one. */
  limitBytes: number | undefined;
  evictionPolicy: string | undefined;
  isAppendOnly: boolean | undefined;
}

export const UNKNOWN_FACTS: RedisFacts = {
  usedBytes: undefined,
  limitBytes: undefined,
  evictionPolicy: undefined,
  isAppendOnly: undefined,
};

/** Rejects when Redis forbids INFO, or does not answer. */
export async function readRedisFacts(redis: Redis): Promise<RedisFacts> {
  const nodes = await Promise.all(
    toMasters(redis).map(async (node) => toFacts(`${await node.info('memory')}\n${await node.info('persistence')}`)),
  );
  return nodes.reduce((one, other) => ({
    ...(toUsedPart(one) >= toUsedPart(other) ? one : other),
    evictionPolicy: isEvicting(one) ? one.evictionPolicy : other.evictionPolicy,
    isAppendOnly: one.isAppendOnly === false ? false : other.isAppendOnly,
  }));
}

function toFacts(info: string): RedisFacts {
  const read = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const number = (name: string) => (read(name) === undefined ? undefined : Number(read(name)));
  const appendOnly = read('aof_enabled');
  return {
    usedBytes: number('used_memory'),
    limitBytes: number('maxmemory') || number('total_system_memory'),
    evictionPolicy: read('maxmemory_policy'),
    isAppendOnly: appendOnly === undefined ? undefined : appendOnly === '1',
  };
}

/** How full it is, 0 to 1 and more; 0 when it does not say. */
export function toUsedPart({ usedBytes, limitBytes }: RedisFacts): number {
  return usedBytes === undefined || !limitBytes ? 0 : usedBytes / limitBytes;
}

/** Whether it deletes what was accepted when it is full, instead of refusing more. */
export function isEvicting({ evictionPolicy }: RedisFacts): boolean {
  return evictionPolicy !== undefined && evictionPolicy !== 'noeviction';
}
