import { createDrainingScript, HOLDS, type Keys } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';
import { type JobProblem, type ReadableJob, readTakenJob } from './read-taken-job.ts';

/** A job in hand, with its message's record as it was in that moment, or why it cannot be worked here. */
export interface TakenJob {
  id: string;
  job: ReadableJob | JobProblem;
  /** That moment, in Unix milliseconds by Redis' clock, which deadlines are told by. */
  takenAt: number;
}

// A lock is voided by put-back, so it need not be renewed; it keeps BullMQ's own tools off a job in hand.
const LOCK_MS = 24 * 3_600_000;

// `wait` is consumed from its right end and `active` lists the newest first. What is active and in nobody's hand comes
// first: a fetch whose answer was lost, or a job whose end could not be written. The record counts the starts of a message
// that was not sent yet, once for each owner that takes it; put-back takes those away that did not end with their owner's
// death. What is damaged is taken like the rest, and says so. KEYS: last holder, wait, active, marker, meta. ARGV: lease token, job key prefix, record key prefix, how many at
// most, lock in milliseconds, ids in hand.
const take = createDrainingScript<[number, [string, string, string, string[], string][]] | number>(`${HOLDS}
if not holds(KEYS[1], ARGV[1]) then return -1 end
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
local held, taken, most = {}, {}, tonumber(ARGV[4])
for i = 6, #ARGV do held[ARGV[i]] = true end
local function add(id)
  local job, record = ARGV[2] .. id, ARGV[3] .. id
  local fields, message = redis.pcall('HMGET', job, 'name', 'data'), redis.pcall('HGETALL', record)
  local damage = fields.err or message.err
  local is_held = redis.call('GET', job .. ':lock') == ARGV[1]
  redis.call('SET', job .. ':lock', ARGV[1], 'PX', ARGV[5])
  if damage then
    taken[#taken + 1] = { id, '', '', {}, damage }
    return
  end
  redis.call('HSET', job, 'processedOn', now)
  if not is_held and redis.call('HGET', record, 'state') == 'queued' then
    if type(redis.pcall('HINCRBY', record, 'starts', 1)) == 'table' then redis.call('HSET', record, 'starts', 1) end
    message = redis.call('HGETALL', record)
  end
  taken[#taken + 1] = { id, fields[1] or '', fields[2] or '', message, '' }
end
local active = redis.call('LRANGE', KEYS[3], 0, -1)
for i = #active, 1, -1 do
  if #taken < most and not held[active[i]] then add(active[i]) end
end
if redis.call('HEXISTS', KEYS[5], 'paused') == 1 then return { tonumber(now), taken } end
while #taken < most do
  local id = redis.call('RPOPLPUSH', KEYS[2], KEYS[3])
  if not id then
    redis.call('DEL', KEYS[4])
    break
  end
  add(id)
end
return { tonumber(now), taken }`);

/**
 * Takes up to `most` jobs of a lane in hand, oldest first. `inHand` names those that the caller has already. Undefined
 * when another worker has had a turn since: nothing was taken.
 */
export async function takeJobs(
  redis: Redis,
  keys: Keys,
  lease: { deviceId: string; token: string },
  { most, inHand }: { most: number; inHand: Iterable<string> },
): Promise<TakenJob[] | undefined> {
  const lane = toLaneKeys(keys, lease.deviceId);
  const device = keys.device(lease.deviceId);
  const answer = await take(
    redis,
    [device.lastHolder, lane.wait, lane.active, lane.marker, lane.meta],
    [lease.token, lane.jobPrefix, device.message(''), most, LOCK_MS, ...inHand],
  );
  if (typeof answer === 'number') return undefined;
  const [takenAt, taken] = answer;
  return taken.map(([id, kind, json, record, damage]) => ({
    id,
    job: readTakenJob({ kind, json, record, damage }),
    takenAt,
  }));
}
