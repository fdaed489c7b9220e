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
  /** Set once another request than the first has begun to complete what the first left half done. */
  isAdopted?: true;
}

export interface IdempotencyClaims {
  /** Claims the key for this message, or answers the claim that was there first (`isNew` false). */
  claim(principal: string, key: string, claim: IdempotencyClaim): Promise<IdempotencyClaim & { isNew: boolean }>;
  find(principal: string, key: string): Promise<IdempotencyClaim | undefined>;
  /**
   * Notes that another request completes the claim's message, so that the first one can no longer give the key back.
   * False when the key is not this message's any more.
   */
  adopt(principal: string, key: string, claim: IdempotencyClaim): Promise<boolean>;
  /** Gives the key back, if the claim is as given: nothing was accepted under it. False when it is not. */
  release(principal: string, key: string, claim: IdempotencyClaim): Promise<boolean>;
}

const claimKey = createScript<string>(`
local found = redis.call('GET', KEYS[1])
if found then return found end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ''`);

// KEYS: claim. ARGV: the claim, the same adopted.
const adoptKey = createScript<number>(`
local found = redis.call('GET', KEYS[1])
if found == ARGV[2] then return 1 end
if found ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1`);

const releaseKey = createScript<number>(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/** Claims live `ttlMs` from the first use, whatever becomes of the message. The key itself is stored only as a hash. */
export function createIdempotencyClaims(redis: Redis, keys: Keys, { ttlMs }: { ttlMs: number }): IdempotencyClaims {
  const keyOf = (principal: string, key: string) =>
    keys.idempotency(createHash('sha256').update(`${principal.length}:${principal}${key}`).digest('hex'));
  const toText = ({ messageId, deviceId, fingerprint, isAdopted }: IdempotencyClaim) =>
    JSON.stringify({ messageId, deviceId, fingerprint, isAdopted });
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
    async adopt(principal, key, { messageId, deviceId, fingerprint }) {
      const claim = { messageId, deviceId, fingerprint };
      const texts = [toText(claim), toText({ ...claim, isAdopted: true })];
      return (await adoptKey(redis, [keyOf(principal, key)], texts)) === 1;
    },
    async release(principal, key, claim) {
      return (await releaseKey(redis, [keyOf(principal, key)], [toText(claim)])) === 1;
    },
  };
}
