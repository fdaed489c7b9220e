/**
 * For scripts that only the owner of a device may run: `holds(key, token)` tells whether the token's turn is the newest,
 * by the device's `lastHolder`. The lease itself may have run out, as it does while Redis is away: who would go on with
 * the device has to take the next turn first. A Redis that came back older than it was remembers less than the holder,
 * whose epoch is higher then.
 */
export const HOLDS = `
local function epoch_of(token)
  return tonumber(string.match(token, '#(%d+)$') or '0')
end
local function holds(key, token)
  local last = redis.call('GET', key) or ''
  return last == token or epoch_of(token) > epoch_of(last)
end`;
