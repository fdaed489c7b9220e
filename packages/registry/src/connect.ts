import { within } from '@postern/runtime';
import type { Redis } from 'ioredis';
import { openCluster, untilWhole } from './connect-cluster.ts';
import { commandOptions, retryDelayMs } from './connection-profile.ts';
import { GatheringRedis } from './gathering-redis.ts';
import { parseClusterUrl } from './redis-url.ts';

export interface ConnectOptions {
  /** `redis://` or `rediss://` for one server; `redis+cluster://` or `rediss+cluster://` for a Redis Cluster. */
  url: string;
  /** Shown by `CLIENT LIST`. */
  name: string;
  /**
   * `fast`: a command fails within `commandTimeoutMs` when Redis is dead or stopped (a gateway must answer).
   * `patient`: commands wait for Redis to come back (a worker has time).
   */
  profile: 'fast' | 'patient';
  /** Default: 600. */
  commandTimeoutMs?: number;
  onError: (error: Error) => void;
}

const FIRST_ANSWER_MS = 10_000;

/**
 * Opens a connection and resolves with it when Redis has answered; rejects when it does not within 10 s. It emits `ready`
 * each time Redis is back; of a cluster, each time any of its nodes is. A cluster's client takes the same commands as
 * long as each names keys of one hash tag, and a pipeline or script only keys of one; it has no other members.
 */
export async function connectRedis(options: ConnectOptions): Promise<Redis> {
  const address = parseClusterUrl(options.url);
  const cluster = address && openCluster(address, options);
  const redis = cluster ? (cluster as unknown as Redis) : openServer(options);
  redis.on('error', options.onError);
  const ready = new Promise<void>((resolve) => redis.once('ready', () => resolve()));
  const givingUp = new AbortController();
  const answers = ready.then(() => cluster && untilWhole(cluster, givingUp.signal));
  try {
    await within(answers, FIRST_ANSWER_MS, () => new Error('Redis did not answer within 10 s'));
  } catch (error) {
    givingUp.abort();
    redis.disconnect();
    throw error;
  }
  return redis;
}

/** Not opened lazily, because libraries that copy it (BullMQ's blocking reads) would give up at the first refusal. */
function openServer(options: ConnectOptions): Redis {
  return new GatheringRedis(options.url, {
    ...commandOptions(options),
    enableOfflineQueue: options.profile === 'patient',
    retryStrategy: retryDelayMs,
    replyMapping: 'legacy',
  });
}

/** Ends a connection. Ending one twice would keep the process alive for two seconds: ioredis starts a timer each time. */
export function disconnectRedis(redis: Redis): void {
  if (redis.status !== 'close' && redis.status !== 'end') redis.disconnect();
}
