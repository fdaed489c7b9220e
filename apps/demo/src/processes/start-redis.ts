import { randomBytes } from 'node:crypto';
import { startLocalRedis } from '@postern/local-redis';
import type { Lifetime } from '@postern/runtime';

export interface RedisChoice {
  /** REDIS_URL of the user, if any. */
  url: string | undefined;
  /** Where a private one keeps its data. */
  directory: string;
  onProgress: (step: string) => void;
}

/** The user's Redis, or a private one, with a password, that stops with the lifetime; resolves with its URL. */
export async function startRedis(lifetime: Lifetime, choice: RedisChoice): Promise<string> {
  const { url, directory, onProgress } = choice;
  if (url !== undefined && url !== '') {
    onProgress('Using the Redis of REDIS_URL');
    return url;
  }
  // Whoever may ask it for its keys may act as the linked devices.
  const password = randomBytes(24).toString('base64url');
  const redis = lifetime.use(await startLocalRedis({ directory, password, onProgress }), (server) => server.stop());
  onProgress(`Redis runs, private, on port ${redis.port}`);
  return redis.url;
}
