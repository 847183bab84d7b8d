-- Changes what a user has set for a conversation. Defaults are not stored.
--
-- KEYS  1 settings of the user's conversations
-- ARGV  1 room   2 new settings, a character each, '-' for what stays   3 settings by default
-- Reply the settings before   the settings after

local before = redis.call('HGET', KEYS[1], ARGV[1]) or ARGV[3]
local after = ''
for i = 1, #ARGV[3] do
  local new = string.sub(ARGV[2], i, i)
  after = after .. (new == '-' and string.sub(before, i, i) or new)
end
if after == ARGV[3] then
  redis.call('HDEL', KEYS[1], ARGV[1])
elseif after ~= before then
  redis.call('HSET', KEYS[1], ARGV[1], after)
end
return {before, after}
