-- The function that writes amendments. Requires amendments.lua and prelude.lua.

local AMENDMENTS_LONGER_MS = 2 * 60 * 60 * 1000

-- Writes an amendment `{field, value, verb, announced, details}` of the entry `id` and announces it to the room. Returns
-- false when the message is deleted: then nothing is written.
local function amend(room, log, amended, details, live, max_len, id, amendment)
  if is_deleted(amended, string.match(id, '^%d+')) then return false end
  redis.call('HSET', amended, amendment.field, amendment.value)
  if amendment.details then redis.call('HSET', details, amendment.field, amendment.details) end
  -- Amendments outlive the log, whose expiry later messages renew more often than that of the amendments.
  local lifetime = redis.call('PTTL', log)
  if lifetime > 0 then
    redis.call('PEXPIRE', amended, lifetime + AMENDMENTS_LONGER_MS)
    redis.call('PEXPIRE', details, lifetime + AMENDMENTS_LONGER_MS)
  end
  -- Entries beyond `max_len` leave the log without their amendments, which are dropped once there are more than the
  -- messages of the log can have: an edit, other mentions, reactions and a pin, or a deletion alone.
  if redis.call('HLEN', amended) > 4 * max_len then
    local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    drop_amendments(amended, details, tonumber(string.match(head[1], '^%d+')))
  end
  local revision = redis.call('HINCRBY', room, 'gone', 1)
  publish(live, table.concat({amendment.verb, id, revision, amendment.announced}, ' '))
  return true
end
