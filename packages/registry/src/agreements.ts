import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** The secret that all gateways sign QR links with; made once, by whoever comes first. */
export async function readSigningSecret(redis: Redis, keys: Keys): Promise<string> {
  await redis.set(keys.secret, randomBytes(32).toString('hex'), 'NX');
  const secret = await redis.get(keys.secret);
  if (secret === null) throw new Error('the signing secret vanished from Redis');
  return secret;
}

/**
 * Verifies that this process sees the same blob store as everyone else on this Redis; the first one records it.
 * Throws with what to configure when they differ.
 */
export async function verifySameBlobStore(redis: Redis, keys: Keys, identity: string): Promise<void> {
  await redis.set(keys.blobStore, identity, 'NX');
  const recorded = await redis.get(keys.blobStore);
  if (recorded === identity) return;
  throw new Error(
    'This process does not share its blob store with the others on this Redis. Point BLOB_DIR (or BLOB_S3_*) of every ' +
      `gateway and worker at one store; after moving it on purpose, delete the Redis key ${keys.blobStore}.`,
  );
}
