import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { createDrainingScript, createScript } from './script.ts';

// KEYS: deadlines, unsettled counts. Both are in one cluster slot, see Keys.unsettled. ARGV: member, device id, deadline.
const add = createScript<number>(`
if redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[2], ARGV[2], 1)`);

// KEYS and ARGV as above, without the deadline.
const remove = createDrainingScript<number>(`
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
if redis.call('HINCRBY', KEYS[2], ARGV[2], -1) <= 0 then redis.call('HDEL', KEYS[2], ARGV[2]) end
return 1`);

const member = (deviceId: string, messageId: string) => `${deviceId}|${messageId}`;

/** Notes when a message expires, and that its device has one more that has not settled. Repeating it changes nothing. */
export async function addDeadline(
  redis: Redis,
  keys: Keys,
  entry: { deviceId: string; messageId: string; expiresAt: number },
): Promise<void> {
  const { deviceId, messageId, expiresAt } = entry;
  await add(redis, [keys.deadlines, keys.unsettled], [member(deviceId, messageId), deviceId, expiresAt]);
}

/** The message has settled. Repeating it changes nothing. */
export async function removeDeadline(redis: Redis, keys: Keys, deviceId: string, messageId: string): Promise<void> {
  await remove(redis, [keys.deadlines, keys.unsettled], [member(deviceId, messageId), deviceId]);
}

/** The devices that have messages which have not settled, with how many: one command, whatever waits. */
export async function readUnsettled(redis: Redis, keys: Keys): Promise<Map<string, number>> {
  const counts = Object.entries(await redis.hgetall(keys.unsettled));
  return new Map(counts.map(([deviceId, count]) => [deviceId, Number(count)]));
}
