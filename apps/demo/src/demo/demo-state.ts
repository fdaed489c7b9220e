import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Lifetime } from '@postern/runtime';
import { Redis } from 'ioredis';

/**
 * A fresh folder below DATA_DIR for this run, removed at the end: the simulated WhatsApp forgets its devices when it
 * stops, so an earlier run's credentials would be worthless.
 */
export async function createRunDirectory(lifetime: Lifetime, dataDirectory: string): Promise<string> {
  const parent = resolve(dataDirectory);
  await mkdir(parent, { recursive: true });
  return lifetime.use(await mkdtemp(join(parent, 'run-')), (path) => rm(path, { recursive: true, force: true }));
}

/** A key prefix of this run's own; in a Redis that is not ours, its keys are deleted at the end. */
export function createRunPrefix(lifetime: Lifetime, redisUrl: string | undefined): string {
  const prefix = `postern-demo-${randomBytes(4).toString('hex')}`;
  if (redisUrl !== undefined && redisUrl !== '') lifetime.use(prefix, () => deleteKeys(redisUrl, prefix));
  return prefix;
}

async function deleteKeys(redisUrl: string, prefix: string): Promise<void> {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 1, connectTimeout: 3_000, retryStrategy: () => null });
  // A Redis that is gone has nothing to delete; its errors are not the demo's.
  redis.on('error', () => {});
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 500 }) as AsyncIterable<string[]>) {
      if (keys.length > 0) await redis.unlink(...keys);
    }
  } finally {
    redis.disconnect();
  }
}
