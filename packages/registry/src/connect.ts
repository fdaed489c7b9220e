import { within } from '@postern/runtime';
import type { Redis, RedisOptions } from 'ioredis';
import { openCluster, untilWhole } from './connect-cluster.ts';
import { createCommandDeadline, retryDelayMs, serverOptions } from './connection-profile.ts';
import { GatheringRedis } from './gathering-redis.ts';
import { MasterConnector } from './master-connector.ts';
import { parseRedisUrl, type RedisAddress } from './redis-url.ts';
import { watchConnection } from './watch-connection.ts';

export interface ConnectOptions {
  /**
   * `redis://` for one server, `redis+sentinel://` for the master that sentinels name, `redis+cluster://` for a Redis
   * Cluster; each as `rediss…` with TLS.
   */
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
const SENTINEL_ANSWER_MS = 1_000;

/**
 * Opens a connection and resolves with it when Redis has answered; rejects when it does not within 10 s. It emits `ready`
 * each time Redis is back; of a cluster, each time any of its nodes is. A connection that falls silent for 5 s, or whose
 * server is no master any more, is made anew; no command may block for longer than 4 s. A cluster's client takes the same
 * commands as long as each names keys of one hash tag, and a pipeline or script only keys of one; it has no other members.
 */
export async function connectRedis(options: ConnectOptions): Promise<Redis> {
  const address = parseRedisUrl(options.url);
  const cluster = address.kind === 'cluster' ? openCluster(address, options) : undefined;
  const redis = address.kind === 'cluster' ? (cluster as unknown as Redis) : openServer(address, options);
  let lastError: Error | undefined;
  redis.on('error', (error) => {
    lastError = error;
    options.onError(error);
  });
  const ready = new Promise<void>((resolve) => redis.once('ready', () => resolve()));
  const givingUp = new AbortController();
  const answers = ready.then(() => cluster && untilWhole(cluster, givingUp.signal));
  try {
    const silent = () => new Error('Redis did not answer within 10 s, or only as a replica', { cause: lastError });
    await within(answers, FIRST_ANSWER_MS, silent);
  } catch (error) {
    givingUp.abort();
    redis.disconnect();
    throw error;
  }
  return redis;
}

/** Not opened lazily, because libraries that copy it (BullMQ's blocking reads) would give up at the first refusal. */
function openServer(address: Exclude<RedisAddress, { kind: 'cluster' }>, options: ConnectOptions): Redis {
  const { url, ...more } = toRedisOptions(address);
  const redis = new GatheringRedis(url, { ...serverOptions(options), ...more }, createCommandDeadline(options));
  watchConnection(redis, { mayBeReplica: false, onError: options.onError });
  return redis;
}

function toRedisOptions(address: Exclude<RedisAddress, { kind: 'cluster' }>): RedisOptions & { url?: string } {
  if (address.kind === 'server') return { url: address.url, Connector: MasterConnector };
  const { nodes, masterName, tls, credentials, sentinelCredentials, db } = address;
  return {
    sentinels: nodes,
    name: masterName,
    role: 'master',
    sentinelRetryStrategy: retryDelayMs,
    sentinelCommandTimeout: SENTINEL_ANSWER_MS,
    db,
    ...credentials,
    ...(sentinelCredentials.username === undefined ? {} : { sentinelUsername: sentinelCredentials.username }),
    ...(sentinelCredentials.password === undefined ? {} : { sentinelPassword: sentinelCredentials.password }),
    ...(tls ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
  };
}

/** Ends a connection. Ending one twice would keep the process alive for two seconds: ioredis starts a timer each time. */
export function disconnectRedis(redis: Redis): void {
  if (redis.status !== 'close' && redis.status !== 'end') redis.disconnect();
}
