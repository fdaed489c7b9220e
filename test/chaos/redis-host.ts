import { startRedisCluster } from './redis-host-cluster.ts';
import { startSingleRedis } from './redis-host-single.ts';

/** How Redis runs, and everything that can happen to it. Each resolves when it is over; durations in milliseconds. */
export interface RedisHost {
  url: string;
  /** Killed, and started again with its file; of a cluster one node. */
  kill(downMs: number): Promise<void>;
  /** Stopped and continued; of a cluster one node. */
  freeze(downMs: number): Promise<void>;
  /** Killed and started again, all of it. */
  takeAway(downMs: number): Promise<void>;
  /** At its limit of memory. */
  fill(downMs: number): Promise<void>;
  /** Every connection stays open and carries nothing any more; new ones are whole. */
  cutSilently(): void;
  /** Its replica becomes the master behind the same address, and the master a replica, which goes away after this time. */
  demote(downMs: number): Promise<void>;
  stop(): Promise<void>;
}

export type RedisKind = 'single' | 'cluster';

export function startRedisHost(kind: RedisKind): Promise<RedisHost> {
  return kind === 'single' ? startSingleRedis() : startRedisCluster();
}
