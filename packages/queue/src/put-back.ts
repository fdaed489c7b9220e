import { createDrainingScript, HOLDS, type Keys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';

// `active` lists the newest fetch first and `wait` is consumed from its right end, so pushing in the order of `active`
// leaves the oldest to be consumed first. A job whose lock has the caller's own token was no cause of anybody's death: its
// start does not count. KEYS: last holder, active, wait, marker, meta, stalled. ARGV: lease token, job key prefix, record key
// prefix, mode (`all`, `only`), ids.
const putBack = createDrainingScript<number>(`${HOLDS}
if not holds(KEYS[1], ARGV[1]) then return -1 end
local named = {}
for i = 5, #ARGV do named[ARGV[i]] = true end
local moved = 0
for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  if ARGV[4] == 'all' or named[id] then
    redis.call('LREM', KEYS[2], 1, id)
    local lock, record = ARGV[2] .. id .. ':lock', ARGV[3] .. id
    if redis.call('GET', lock) == ARGV[1] and redis.call('HEXISTS', record, 'starts') == 1 then
      redis.call('HINCRBY', record, 'starts', -1)
    end
    redis.call('DEL', lock)
    redis.call('RPUSH', KEYS[3], id)
    moved = moved + 1
  end
end
redis.call('DEL', KEYS[6])
if moved > 0 and redis.call('HEXISTS', KEYS[5], 'paused') == 0 then redis.call('ZADD', KEYS[4], 0, '0') end
return moved`);

/**
 * Puts fetched jobs back to the consuming end of their lane, oldest first, and voids their locks, so that whoever still
 * works on them is refused when it finishes. `all` on take-over; `only` for jobs that were fetched and not begun, or
 * that nobody has in hand. Answers how many moved; -1 when another worker has had a turn since (nothing moved).
 */
export function putBackJobs(
  redis: Redis,
  keys: Keys,
  lease: { deviceId: string; token: string },
  which: { mode: 'all' } | { mode: 'only'; ids: string[] },
): Promise<number> {
  const lane = toLaneKeys(keys, lease.deviceId);
  const device = keys.device(lease.deviceId);
  const ids = which.mode === 'all' ? [] : which.ids;
  return putBack(
    redis,
    [device.lastHolder, lane.active, lane.wait, lane.marker, lane.meta, lane.stalled],
    [lease.token, lane.jobPrefix, device.message(''), which.mode, ...ids],
  );
}
