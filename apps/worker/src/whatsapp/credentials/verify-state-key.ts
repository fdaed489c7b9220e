import type { Keys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { FIELD } from './authentication.ts';
import { createStateCipher, type StateCipher, StateKeyError } from './state-cipher.ts';

const PROBE = Buffer.from('postern');

/**
 * Verifies that what is stored opens with this STATE_ENCRYPTION_KEY: a value that the first worker sealed, and before
 * there is one, credentials. Throws a StateKeyError that says what to do.
 */
export async function verifyStateKey(redis: Redis, keys: Keys, secret: string | undefined): Promise<void> {
  const cipher = createStateCipher(secret);
  const seal = () => cipher.seal(PROBE, keys.stateKey);
  try {
    let stored = await redis.getBuffer(keys.stateKey);
    if (!stored) {
      await assertOpensCredentials(redis, keys, cipher);
      await redis.set(keys.stateKey, seal(), 'NX');
      // Another worker may have been first.
      stored = await redis.getBuffer(keys.stateKey);
    }
    if (stored) cipher.open(stored, keys.stateKey);
    // It was stored before there was a secret: from here on a worker without one is refused.
    if (secret !== undefined && stored?.[0] === 0) await redis.set(keys.stateKey, seal());
  } catch (error) {
    if (!(error instanceof StateKeyError)) throw error;
    const advice = `Give every worker the same STATE_ENCRYPTION_KEY; where it is lost, delete the Redis key ${keys.stateKey} and link every device again`;
    throw new StateKeyError(`${error.message}. ${advice}`, { cause: error });
  }
}

/** The first credentials that are found decide. */
async function assertOpensCredentials(redis: Redis, keys: Keys, cipher: StateCipher): Promise<void> {
  for (const deviceId of await redis.smembers(keys.devices)) {
    const { credentials } = keys.device(deviceId);
    const stored = await redis.hgetBuffer(credentials, FIELD);
    if (!stored) continue;
    cipher.open(stored, `${credentials}/${FIELD}`);
    return;
  }
}
