import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { createScript } from './script.ts';

/** What an idempotency key was first used for. */
export interface IdempotencyClaim {
  messageId: string;
  deviceId: string;
  /** Of everything that makes two requests the same. */
  fingerprint: string;
}

export interface IdempotencyClaims {
  /** Claims the key for this message, or answers the claim that was there first (`isNew` false). */
  claim(principal: string, key: string, claim: IdempotencyClaim): Promise<IdempotencyClaim & { isNew: boolean }>;
  find(principal: string, key: string): Promise<IdempotencyClaim | undefined>;
  /** Gives the key back, if it is still this message's: nothing was accepted under it. */
  release(principal: string, key: string, claim: IdempotencyClaim): Promise<void>;
}

const claimKey = createScript<string>(`
local found = redis.call('GET', KEYS[1])
if found then return found end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ''`);

const releaseKey = createScript<number>(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/** Claims live `ttlMs` from the first use, whatever becomes of the message. The key itself is stored only as a hash. */
export function createIdempotencyClaims(redis: Redis, keys: Keys, { ttlMs }: { ttlMs: number }): IdempotencyClaims {
  const keyOf = (principal: string, key: string) =>
    keys.idempotency(createHash('sha256').update(`${principal.length}:${principal}${key}`).digest('hex'));
  const toText = ({ messageId, deviceId, fingerprint }: IdempotencyClaim) =>
    JSON.stringify({ messageId, deviceId, fingerprint });
  const toClaim = (text: string) => JSON.parse(text) as IdempotencyClaim;
  return {
    async claim(principal, key, claim) {
      const found = await claimKey(redis, [keyOf(principal, key)], [toText(claim), ttlMs]);
      return found === '' ? { ...claim, isNew: true } : { ...toClaim(found), isNew: false };
    },
    async find(principal, key) {
      const found = await redis.get(keyOf(principal, key));
      return found === null ? undefined : toClaim(found);
    },
    async release(principal, key, claim) {
      await releaseKey(redis, [keyOf(principal, key)], [toText(claim)]);
    },
  };
}
