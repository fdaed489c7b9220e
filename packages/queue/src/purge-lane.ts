import { createDrainingScript, type Keys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';

// Looks at ARGV[4] messages from the consuming end of `wait`, past the first ARGV[3], and cancels those that are still
// queued. KEYS: wait. ARGV: prefix of the messages' records, job key prefix, how many to leave, how many to look at,
// record TTL in milliseconds. Answers how many it looked at, and the ids that it cancelled. A job's other keys come into
// being only when somebody takes it in hand.
const cancelWaiting = createDrainingScript<[number, ...string[]]>(`
local from = -tonumber(ARGV[3]) - tonumber(ARGV[4])
local ids = redis.call('LRANGE', KEYS[1], from, -tonumber(ARGV[3]) - 1)
local answer = { #ids }
for i = #ids, 1, -1 do
  local record = ARGV[1] .. ids[i]
  if redis.call('HGET', record, 'state') == 'queued' then
    redis.call('HSET', record, 'state', 'cancelled')
    redis.call('PEXPIRE', record, ARGV[5])
    redis.call('LREM', KEYS[1], -1, ids[i])
    redis.call('DEL', ARGV[2] .. ids[i])
    answer[#answer + 1] = ids[i]
  end
end
return answer`);

/** A part of a purge: the ids that it cancelled, and how many messages are still to be looked at. */
export interface PurgedChunk {
  cancelled: string[];
  remaining: number;
}

/** Messages a script call looks at: a millisecond or so, in which Redis does nothing else. */
const CHUNK = 200;

/**
 * Cancels every message that waits in the lane now, oldest first, each by compare-and-set on its record, and takes its job
 * away; answers them in chunks. What comes in meanwhile stays, and so does what was sent already and waits for its ack.
 */
export async function* purgeLane(
  redis: Redis,
  keys: Keys,
  deviceId: string,
  { recordTtlMs }: { recordTtlMs: number },
): AsyncGenerator<PurgedChunk, void, undefined> {
  const { wait, jobPrefix } = toLaneKeys(keys, deviceId);
  const recordPrefix = keys.device(deviceId).message('');
  let left = await redis.llen(wait);
  let kept = 0;
  while (left > 0) {
    const count = Math.min(CHUNK, left);
    const [looked, ...cancelled] = await cancelWaiting(
      redis,
      [wait],
      [recordPrefix, jobPrefix, kept, count, recordTtlMs],
    );
    if (looked === 0) return;
    left -= looked;
    kept += looked - cancelled.length;
    yield { cancelled, remaining: left };
  }
}
