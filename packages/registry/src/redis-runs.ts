import type { Redis } from 'ioredis';
import { toMasters } from './scan-keys.ts';

/** Tells one run of Redis from the next: a run that is new may have forgotten the last moments of the one before. */
export interface RedisRuns {
  /** For how long all of it had been up when this was created, in milliseconds; of a cluster, its youngest master. */
  uptimeMs: number;
  /**
   * Whether a master was restarted, or another one has taken its place, since the last time. Rejects when one that does
   * not answer may be it.
   */
  haveChanged(): Promise<boolean>;
}

interface Run {
  address: string;
  id: string;
  uptimeMs: number;
}

/** Rejects when a master does not answer. */
export async function createRedisRuns(redis: Redis): Promise<RedisRuns> {
  const first = await Promise.all(toMasters(redis).map(readRun));
  const known = new Map(first.map(({ address, id }) => [address, id]));
  return {
    uptimeMs: Math.min(...first.map(({ uptimeMs }) => uptimeMs)),
    async haveChanged() {
      // Each master by itself: a cluster's client would ask any of them.
      const answers = await Promise.allSettled(toMasters(redis).map(readRun));
      const runs = answers.filter((answer) => answer.status === 'fulfilled').map(({ value }) => value);
      const changed = runs.filter(({ address, id }) => known.get(address) !== id);
      for (const { address, id } of changed) known.set(address, id);
      if (changed.length > 0) return true;
      const unanswered = answers.find((answer) => answer.status === 'rejected');
      if (unanswered) throw unanswered.reason;
      return false;
    },
  };
}

async function readRun(node: Redis): Promise<Run> {
  const server = await node.info('server');
  const read = (name: string) => new RegExp(`^${name}:(\\w+)`, 'm').exec(server)?.[1];
  const { host, port } = node.options;
  return {
    address: `${host}:${port}`,
    id: read('run_id') ?? '',
    uptimeMs: Number(read('uptime_in_seconds') ?? 0) * 1000,
  };
}
