import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export type Script<T> = (redis: Redis, keys: string[], args: (string | number)[]) => Promise<T>;

/** Runs a Lua script by its hash, and sends its text only when this Redis does not know it. */
export function createScript<T>(lua: string): Script<T> {
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (redis, keys, args) => {
    try {
      return (await redis.evalsha(sha, keys.length, ...keys, ...args)) as T;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return (await redis.eval(lua, keys.length, ...keys, ...args)) as T;
    }
  };
}

/**
 * The same for a script by which accepted messages end, or their devices are kept: it also runs in a Redis that has
 * reached `maxmemory`. Redis refuses only a script's first write for that reason, so this one's first write deletes a key
 * that is never there, in the slot of its first key. Use it for everything but what lets more in. See docs/adr.
 */
export function createDrainingScript<T>(lua: string): Script<T> {
  const run = createScript<T>(toDraining(lua));
  return (redis, keys, args) => run(redis, toDrainingKeys(keys), args);
}

/** The text of a draining script, for whoever sends it by itself; its keys are those of `toDrainingKeys`. */
export function toDraining(lua: string): string {
  return `redis.call('DEL', KEYS[#KEYS])\n${lua}`;
}

export function toDrainingKeys(keys: readonly string[]): string[] {
  const [first = ''] = keys;
  return [...keys, /\{[^}]+\}/.test(first) ? `${first}:never-there` : `{${first}}:never-there`];
}

/** `SET` for what is written while messages end, also in a Redis that has reached `maxmemory`. */
export const setDraining = createDrainingScript<string | null>(`return redis.call('SET', KEYS[1], unpack(ARGV))`);
