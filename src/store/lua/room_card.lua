-- What a list shows of one room. Reads only.
--
-- KEYS  1 room   2 log   3 members   4 deleted
-- ARGV  1 caller   2 most members   3 entries older than this ms do not count
-- Reply {kind, name, description, created, members, caller is a member 0|1, entry id, record}
--       (the last two false when there is no message), or false when there is no room

local room, log, members, deleted = unpack(KEYS)
local state = redis.call('HMGET', room, 'kind', 'name', 'description', 'created')
if not state[1] then return false end
local listed = redis.call('ZRANGE', members, 0, ARGV[2] - 1)
local is_member = redis.call('ZSCORE', members, ARGV[1]) and 1 or 0
local id, record = false, false
-- Few rooms end in deleted messages, so the first step nearly always finds one.
local last, step = '+', 1
while not id do
  local entries = redis.call('XREVRANGE', log, last, '-', 'COUNT', step)
  for _, entry in ipairs(entries) do
    local seq, ms = string.match(entry[1], '^(%d+)-(%d+)$')
    if tonumber(ms) < tonumber(ARGV[3]) then break end
    if redis.call('HEXISTS', deleted, seq) == 0 then
      id, record = entry[1], entry[2][2]
      break
    end
    last = '(' .. entry[1]
  end
  if #entries < step then break end
  if not id and tonumber(string.match(entries[#entries][1], '%d+$')) < tonumber(ARGV[3]) then break end
  step = 50
end
return {state[1], state[2], state[3], state[4], listed, is_member, id, record}
