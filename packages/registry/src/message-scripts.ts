import { HOLDS } from './holds.ts';
import { createScript } from './script.ts';

// KEYS: record, the device's index of messages. ARGV: message id, created_at, record TTL in milliseconds, oldest
// created_at that is kept in the index, then field/value pairs. A record that exists stays as it is.
export const createRecord = createScript<number>(`
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1`);

/** The newest failures of a device that are remembered apart, and for how long what settled is counted by minute. */
const MAX_FAILURES = 200;
const SETTLED_TTL_MS = 5 * 60_000;

// KEYS: record, the device's last holder, settled by minute, failures. ARGV: comma-separated states it may be in, new
// state, record TTL, lease token (empty: anybody may change it), now in milliseconds, then field/value pairs.
// Answers the state found, and changes nothing unless it is one of the allowed ones. A `failed` record
// may be left only when its code is ACK_TIMEOUT: delivery was unknown then. What becomes `sent` becomes more than that
// when its receipts came first.
export const transition = createScript<string>(`${HOLDS}
if ARGV[4] ~= '' and not holds(KEYS[2], ARGV[4]) then return 'lease_lost' end
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'missing' end
if not string.find(ARGV[1], ',' .. state .. ',', 1, true) then return state end
if state == 'failed' and redis.call('HGET', KEYS[1], 'error_code') ~= 'ACK_TIMEOUT' then return state end
local to = ARGV[2]
if to == 'sent' and redis.call('HEXISTS', KEYS[1], 'delivered_at') == 1 then to = 'delivered' end
if ARGV[2] == 'sent' and redis.call('HEXISTS', KEYS[1], 'read_at') == 1 then to = 'read' end
redis.call('HSET', KEYS[1], 'state', to)
for i = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if ARGV[2] == 'sending' then redis.call('HINCRBY', KEYS[1], 'attempts', 1) end
if ARGV[2] ~= 'failed' and ARGV[2] ~= 'sending' then redis.call('HDEL', KEYS[1], 'error_code', 'error') end
if ARGV[3] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
if state == 'failed' then redis.call('ZREM', KEYS[4], string.match(KEYS[1], '[^:]*$')) end
if ARGV[2] == 'failed' then
  redis.call('ZADD', KEYS[4], ARGV[5], string.match(KEYS[1], '[^:]*$'))
  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -${MAX_FAILURES + 1})
  redis.call('PEXPIRE', KEYS[4], ARGV[3])
end
if (state == 'queued' or state == 'sending') and (ARGV[2] == 'sent' or ARGV[2] == 'failed') then
  local minute = math.floor(ARGV[5] / 60000)
  if redis.call('HINCRBY', KEYS[3], string.format('%d', minute), 1) == 1 then
    for _, old in ipairs(redis.call('HKEYS', KEYS[3])) do
      if tonumber(old) < minute - 1 then redis.call('HDEL', KEYS[3], old) end
    end
    redis.call('PEXPIRE', KEYS[3], ${SETTLED_TTL_MS})
  end
end
return 'changed'`);

// KEYS: record. ARGV: field, time. Notes a receipt of a message whose ack is awaited; answers 1 when it did.
export const noteReceipt = createScript<number>(`
if redis.call('HGET', KEYS[1], 'state') ~= 'sending' then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1`);

export const countAttempt = createScript<number>(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], 'attempts', 1)`);

// KEYS: record, set of who sent which receipt. ARGV: status, participant, TTL in milliseconds. Counts each participant of
// a group once per status, while the record is there.
export const countParticipant = createScript<number>(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('SADD', KEYS[2], ARGV[1] .. '|' .. ARGV[2]) == 0 then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return redis.call('HINCRBY', KEYS[1], ARGV[1] .. '_count', 1)`);
