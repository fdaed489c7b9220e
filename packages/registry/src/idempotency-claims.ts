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
  /** For how long the message may wait, in milliseconds. */
  waitsMs?: number;
  /** Set once another request than the first has begun to complete what the first left half done. */
  isAdopted?: true;
}

/** A claim as it was found. */
export interface FoundClaim extends IdempotencyClaim {
  /** The key's own time is over: it stands for the message only as long as that has not ended. */
  isLapsed: boolean;
}

export interface IdempotencyClaims {
  /** Claims the key for this message, or answers the claim that was there first (`isNew` false). */
  claim(principal: string, key: string, claim: IdempotencyClaim): Promise<FoundClaim & { isNew: boolean }>;
  find(principal: string, key: string): Promise<FoundClaim | undefined>;
  /**
   * Notes that another request completes the claim's message, so that the first one can no longer give the key back.
   * False when the key is not this message's any more.
   */
  adopt(principal: string, key: string, claim: IdempotencyClaim): Promise<boolean>;
  /** Gives the key back, if the claim is as given: nothing was accepted under it. False when it is not. */
  release(principal: string, key: string, claim: IdempotencyClaim): Promise<boolean>;
}

// Answers the claim that is there, and how much longer it lives; nothing when this call made it.
const claimKey = createScript<[string, number] | null>(`
local found = redis.call('GET', KEYS[1])
if found then return { found, redis.call('PTTL', KEYS[1]) } end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false`);

const findKey = createScript<[string, number] | null>(`
local found = redis.call('GET', KEYS[1])
return found and { found, redis.call('PTTL', KEYS[1]) }`);

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

/** How much longer than it may wait a message may take to end: it may be in progress then. */
const ENDS_WITHIN_MS = 2 * 3_600_000;

/**
 * Claims live `ttlMs` from the first use, whatever becomes of the message, and longer while it may not have ended: then a
 * repeat must not make a second one. The key itself is stored only as a hash.
 */
export function createIdempotencyClaims(redis: Redis, keys: Keys, { ttlMs }: { ttlMs: number }): IdempotencyClaims {
  const keyOf = (principal: string, key: string) =>
    keys.idempotency(createHash('sha256').update(`${principal.length}:${principal}${key}`).digest('hex'));
  const toText = ({ messageId, deviceId, fingerprint, waitsMs, isAdopted }: IdempotencyClaim) =>
    JSON.stringify({ messageId, deviceId, fingerprint, waitsMs, isAdopted });
  const toLifetimeMs = ({ waitsMs = 0 }: IdempotencyClaim) => Math.max(ttlMs, waitsMs + ENDS_WITHIN_MS);
  const toFound = ([text, leftMs]: [string, number]): FoundClaim => {
    const claim = JSON.parse(text) as IdempotencyClaim;
    return { ...claim, isLapsed: claim.waitsMs !== undefined && leftMs < toLifetimeMs(claim) - ttlMs };
  };
  return {
    async claim(principal, key, claim) {
      const found = await claimKey(redis, [keyOf(principal, key)], [toText(claim), toLifetimeMs(claim)]);
      return found === null ? { ...claim, isLapsed: false, isNew: true } : { ...toFound(found), isNew: false };
    },
    async find(principal, key) {
      const found = await findKey(redis, [keyOf(principal, key)], []);
      return found === null ? undefined : toFound(found);
    },
    async adopt(principal, key, { messageId, deviceId, fingerprint, waitsMs }) {
      const claim = { messageId, deviceId, fingerprint, ...(waitsMs === undefined ? {} : { waitsMs }) };
      const texts = [toText(claim), toText({ ...claim, isAdopted: true })];
      return (await adoptKey(redis, [keyOf(principal, key)], texts)) === 1;
    },
    async release(principal, key, claim) {
      return (await releaseKey(redis, [keyOf(principal, key)], [toText(claim)])) === 1;
    },
  };
}
