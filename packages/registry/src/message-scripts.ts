import { HOLDS } from './holds.ts';
import type { Keys } from './keys.ts';
import { CREATE_RECORD } from './message-creation.ts';
import { createDrainingScript, createScript } from './script.ts';

// KEYS: record, the device's index of messages. ARGV: the record's.
export const createRecord = createScript<number>(`${CREATE_RECORD}
return create(KEYS[1], KEYS[2], 1) and 1 or 0`);

/** The newest failures of a device that are remembered apart, and for how long what settled is counted by minute. */
const MAX_FAILURES = 200;
const SETTLED_TTL_MS = 5 * 60_000;

/**
 * Lua: `transition(k, i)` changes a record's state. KEYS from k on: record, settled by minute, failures. ARGV from i on:
 * comma-separated states it may be in, new state, record TTL in milliseconds (0: as it is), now in milliseconds, then
 * field/value pairs. Answers `changed`, `missing`, or the state that the record has instead. A `failed` record may be left
 * only when its code is ACK_TIMEOUT: delivery was unknown then. A receipt that came first is proof: what would become
 * `sent`, `failed` or `cancelled` becomes `delivered` or `read`. WhatsApp tells times in whole seconds, perhaps by another
 * clock: no time of a record is earlier than what must have come before it.
 */
export const TRANSITION = `
local function earlier(a, b) return b and tonumber(b) < tonumber(a) and b or a end
local function later(a, b) return b and tonumber(b) > tonumber(a) and b or a end
local function transition(k, i)
  local record, settled, failures = KEYS[k], KEYS[k + 1], KEYS[k + 2]
  local found = redis.call('HMGET', record, 'state', 'error_code', 'delivered_at', 'read_at', 'created_at', 'sent_at')
  local state, to, delivered, read, created = found[1], ARGV[i + 1], found[3], found[4], found[5]
  if not state then return 'missing' end
  if not string.find(ARGV[i], ',' .. state .. ',', 1, true) then return state end
  if state == 'failed' and found[2] ~= 'ACK_TIMEOUT' then return state end
  local proof = read and 'read' or delivered and 'delivered'
  local fields = {}
  for n = i + 4, #ARGV do fields[#fields + 1] = ARGV[n] end
  if proof and (to == 'failed' or to == 'cancelled') then
    fields, to = { 'sent_at', delivered or read }, proof
  elseif to == 'sent' then
    fields[2], to = later(earlier(earlier(fields[2], delivered), read), created), proof or to
  elseif to == 'delivered' or to == 'read' then
    fields[2] = later(later(later(fields[2], created), found[6]), delivered)
    if not found[6] then fields[3], fields[4] = 'sent_at', fields[2] end
  end
  redis.call('HSET', record, 'state', to, unpack(fields))
  if to == 'sending' then redis.call('HINCRBY', record, 'attempts', 1) end
  if to ~= 'failed' and found[2] then redis.call('HDEL', record, 'error_code', 'error') end
  if ARGV[i + 2] ~= '0' then redis.call('PEXPIRE', record, ARGV[i + 2]) end
  if state == 'failed' then redis.call('ZREM', failures, string.match(record, '[^:]*$')) end
  if to == 'failed' then
    redis.call('ZADD', failures, ARGV[i + 3], string.match(record, '[^:]*$'))
    redis.call('ZREMRANGEBYRANK', failures, 0, -${MAX_FAILURES + 1})
    redis.call('PEXPIRE', failures, ARGV[i + 2])
  end
  if (state == 'queued' or state == 'sending') and to ~= 'sending' and to ~= 'cancelled' then
    local minute = math.floor(ARGV[i + 3] / 60000)
    if redis.call('HINCRBY', settled, string.format('%d', minute), 1) == 1 then
      for _, old in ipairs(redis.call('HKEYS', settled)) do
        if tonumber(old) < minute - 1 then redis.call('HDEL', settled, old) end
      end
      redis.call('PEXPIRE', settled, ${SETTLED_TTL_MS})
    end
  end
  if proof and to == proof and ARGV[i + 1] ~= 'sent' then return to end
  return 'changed'
end`;

/** The keys of TRANSITION. */
export function toTransitionKeys(keys: Keys, deviceId: string, messageId: string): string[] {
  const own = keys.device(deviceId);
  return [own.message(messageId), own.settledByMinute, own.failures];
}

// KEYS: the transition's. ARGV: the change.
export const changeMessage = createDrainingScript<string>(`${TRANSITION}
return transition(1, 1)`);

// KEYS: the device's last holder, the transition's. ARGV: lease token, whether a receipt forbids it, the change.
export const changeAsOwner = createDrainingScript<string>(`${TRANSITION}${HOLDS}
if not holds(KEYS[1], ARGV[1]) then return 'lease_lost' end
if ARGV[2] == '1' and redis.call('HGET', KEYS[2], 'state') == 'sending' then
  local receipts = redis.call('HMGET', KEYS[2], 'delivered_at', 'read_at')
  if receipts[1] or receipts[2] then return 'proved' end
end
return transition(2, 3)`);

// KEYS: the transition's, set of who sent which receipt. ARGV: status, participant or nothing, TTL in milliseconds of the set, the
// change. Each participant of a group is counted once per status. A receipt of a message that has not settled is noted.
export const noteReceipt = createDrainingScript<string>(`${TRANSITION}
local found = redis.call('HMGET', KEYS[1], 'state', 'created_at')
local state = found[1]
if not state then return 'missing' end
if ARGV[2] ~= '' and redis.call('SADD', KEYS[4], ARGV[1] .. '|' .. ARGV[2]) == 1 then
  redis.call('PEXPIRE', KEYS[4], ARGV[3])
  redis.call('HINCRBY', KEYS[1], ARGV[1] .. '_count', 1)
end
if state == 'queued' or state == 'sending' then
  redis.call('HSETNX', KEYS[1], ARGV[8], later(ARGV[9], found[2]))
  return 'noted'
end
return transition(1, 4)`);

// KEYS: record. ARGV: the field that counts. Answers its new value; 0 when there is no record.
export const countIn = createDrainingScript<number>(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], ARGV[1], 1)`);
