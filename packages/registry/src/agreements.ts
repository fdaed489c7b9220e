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
