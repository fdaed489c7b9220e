import { Redis, type RedisOptions } from 'ioredis';

export interface ConnectOptions {
  url: string;
  /** Shown by `CLIENT LIST`. */
  name: string;
  /**
   * `fast`: a command fails within `commandTimeoutMs` when Redis is dead or stopped (a gateway must answer).
   * `patient`: commands wait for Redis to come back (a worker has time).
   */
  profile: 'fast' | 'patient';
  commandTimeoutMs?: number;
  onError: (error: Error) => void;
}

/** The options of a connection, for libraries that open their own. */
export function redisOptions(options: Pick<ConnectOptions, 'profile' | 'name' | 'commandTimeoutMs'>): RedisOptions {
  const retryStrategy = (attempt: number) => Math.min(1000, 50 * attempt) * (0.75 + Math.random() / 2);
  const base: RedisOptions = { connectionName: options.name, retryStrategy, enableAutoPipelining: false };
  if (options.profile === 'patient') return { ...base, maxRetriesPerRequest: null };
  return {
    ...base,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: options.commandTimeoutMs ?? 800,
  };
}

/** Opens a connection and resolves with it when Redis has answered; rejects when it does not within 10 s. */
export async function connectRedis(options: ConnectOptions): Promise<Redis> {
  const redis = new Redis(options.url, { ...redisOptions(options), lazyConnect: true, replyMapping: 'legacy' });
  redis.on('error', options.onError);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('Redis did not answer within 10 s')), 10_000);
      redis.once('ready', () => {
        clearTimeout(timer);
        resolve();
      });
      // A refused first attempt is retried by the client until the timer ends it.
      redis.connect().catch(options.onError);
    });
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return redis;
}

/** Ends a connection. Ending one twice would keep the process alive for two seconds: ioredis starts a timer each time. */
export function disconnectRedis(redis: Redis): void {
  if (redis.status !== 'close' && redis.status !== 'end') redis.disconnect();
}
