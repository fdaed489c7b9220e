import type { Failure, MessageState } from '@postern/contract';
import { createDrainingScript, type Keys, TRANSITION, toFailed } from '@postern/registry';
import type { Redis } from 'ioredis';
import { toLaneKeys } from './lane-queue.ts';

/**
 * What became of a message that is past its deadline. `expired`: it was never sent, and this call ended it.
 * `unacknowledged`: it was being sent, nobody has it in hand any more, and this call ended it. `in_progress`: a worker is
 * sending it, and ends it. `early`: its record says a later deadline. `lost`: it has a job but no record. `gone`: there is
 * neither. `unreadable`: its record or job is not what it should be. Else the state in which it had settled before.
 */
export type Overdue =
  | 'expired'
  | 'unacknowledged'
  | 'in_progress'
  | 'early'
  | 'lost'
  | 'gone'
  | 'unreadable'
  | MessageState;

export interface EndOverdueOptions {
  failures: { expired: Failure; unacknowledged: Failure };
  recordTtlMs: number;
  /** How long the job of a failed message is kept for a retry, in milliseconds; 0: not at all. */
  failedJobTtlMs: number;
}

/** Entries of a lane that a script call looks at before it stops: a few milliseconds. */
const MAX_SCANNED = 50_000;

// KEYS: wait, settled by minute, failures. ARGV: prefixes of records, jobs and kept jobs, for how many milliseconds a job is
// kept, two changes of eight arguments each (of a queued message, of one that was being sent), ids. A message in nobody's
// hand has no lock; what somebody has in hand stays in the lane, and is dropped there when its record is final. Jobs are
// looked for from the consuming end, where the oldest are; after a long search the rest is left to the next call. Answers
// for as many ids as it came to.
const endOverdue = createDrainingScript<Overdue[]>(`
local scanned = 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait, settled, failures, arguments = KEYS[1], KEYS[2], KEYS[3], ARGV
local KEYS, ARGV
${TRANSITION}
local function fail(record, change)
  KEYS, ARGV = { record, settled, failures }, change
  return transition(1, 1)
end
local changes = { queued = { unpack(arguments, 5, 12) }, sending = { unpack(arguments, 13, 20) } }
local function end_one(id)
  local record, job = arguments[1] .. id, arguments[2] .. id
  local found = redis.call('HMGET', record, 'state', 'expires_at')
  local state, payload = found[1], redis.call('HGET', job, 'data')
  if not state then return payload and 'lost' or 'gone' end
  local change = changes[state]
  if not change then return state end
  if tonumber(found[2]) > now then return 'early' end
  local is_held = redis.call('EXISTS', job .. ':lock') == 1
  if is_held and state == 'sending' then return 'in_progress' end
  local answer = fail(record, change)
  if answer == 'changed' and payload and arguments[4] ~= '0' then
    redis.call('SET', arguments[3] .. id, payload, 'PX', arguments[4])
  end
  if not is_held then
    local index = redis.call('LPOS', wait, id, 'RANK', -1)
    if index then
      scanned = scanned + redis.call('LLEN', wait) - index
      redis.call('LREM', wait, -1, id)
    end
    redis.call('DEL', job)
  end
  if answer ~= 'changed' then return answer end
  return state == 'queued' and 'expired' or 'unacknowledged'
end
local answers = {}
for i = 21, #arguments do
  local is_done, answer = pcall(end_one, arguments[i])
  answers[#answers + 1] = is_done and answer or 'unreadable'
  if scanned > ${MAX_SCANNED} then break end
end
return answers`);

/** Messages a script call is given: a few milliseconds, in which Redis does nothing else. */
const CHUNK = 100;

/** Ends those of a device's messages that are past their deadline, by Redis' clock; answers what became of each. */
export async function* endOverdueMessages(
  redis: Redis,
  keys: Keys,
  deviceId: string,
  messageIds: readonly string[],
  { failures, recordTtlMs, failedJobTtlMs }: EndOverdueOptions,
): AsyncGenerator<{ messageId: string; outcome: Overdue }[], void, undefined> {
  const device = keys.device(deviceId);
  const { wait, jobPrefix } = toLaneKeys(keys, deviceId);
  const touched = [wait, device.settledByMinute, device.failures];
  const prefixes = [device.message(''), jobPrefix, device.failedJob('')];
  const changes = [
    ...toFailed(failures.expired, recordTtlMs, ['queued']),
    ...toFailed(failures.unacknowledged, recordTtlMs, ['sending']),
  ];
  for (let left = messageIds; left.length > 0; ) {
    const asked = left.slice(0, CHUNK);
    const answers = await endOverdue(redis, touched, [...prefixes, failedJobTtlMs, ...changes, ...asked]);
    yield answers.map((outcome, index) => ({ messageId: asked[index] ?? '', outcome }));
    left = left.slice(answers.length);
  }
}
