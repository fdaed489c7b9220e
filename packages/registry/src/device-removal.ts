import type { Redis } from 'ioredis';
import { LeaseLostError, writeFenced } from './fenced.ts';
import { HOLDS } from './holds.ts';
import type { DeviceKeys, Keys } from './keys.ts';
import { scanKeys } from './scan-keys.ts';
import { createDrainingScript } from './script.ts';

// KEYS: last holder, device record. ARGV: lease token, now.
const markRemoved = createDrainingScript<number>(`${HOLDS}
if not holds(KEYS[1], ARGV[1]) then return 0 end
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSETNX', KEYS[2], 'removed_at', ARGV[2]) end
return 1`);

// KEYS: JIDs. ARGV: device id, JIDs. Another device may be linked to the account meanwhile.
const forgetJids = createDrainingScript<number>(`
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return 1`);

/**
 * Marks a device as removed: from here on nothing is accepted for it and nobody finds it, but its id is not free. The list of
 * removals comes first, so that whoever owns the device next goes on with what a crash cut. Throws LeaseLostError.
 */
export async function beginRemoval(redis: Redis, keys: Keys, deviceId: string, token: string): Promise<void> {
  const { lastHolder, record } = keys.device(deviceId);
  await redis.sadd(keys.removals, deviceId);
  if ((await markRemoved(redis, [lastHolder, record], [token, Date.now()])) !== 1) {
    throw new LeaseLostError('the lease of this device is not held any more');
  }
  await redis.srem(keys.devices, deviceId);
}

/**
 * Deletes everything of a removed device but its lease and the records of its messages, which the API tells until their time
 * is over. The device's own record goes last: until then it says that this is not finished. Throws LeaseLostError.
 */
export async function finishRemoval(
  redis: Redis,
  keys: Keys,
  { deviceId, token, jids }: { deviceId: string; token: string; jids: readonly string[] },
): Promise<void> {
  const own = keys.device(deviceId);
  const forget = (names: string[]) =>
    writeFenced(
      redis,
      own.lastHolder,
      token,
      names.map((key) => ({ command: 'DEL', key })),
    );
  if (jids.length > 0) await forgetJids(redis, [keys.jids], [deviceId, ...jids]);
  for await (const names of scanKeys(redis, `${escapeGlob(own.lanePrefix)}:*`)) {
    await forget(names.filter((name) => !isKept(name, own)));
  }
  await forget([own.record]);
  await redis.srem(keys.removals, deviceId);
}

function isKept(name: string, own: DeviceKeys): boolean {
  return [own.record, own.lease, own.lastHolder].includes(name) || name.startsWith(own.message(''));
}

function escapeGlob(text: string): string {
  return text.replace(/[[\]?*\\]/g, '\\$&');
}
