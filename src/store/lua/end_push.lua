-- Removes the subscriptions that belong to a token.
--
-- KEYS  1 the user's subscriptions
-- ARGV  1 the token, with spaces around it
-- Reply how many

local push, forgotten = KEYS[1], 0
local kept = redis.call('HGETALL', push)
for i = 1, #kept, 2 do
  if string.find(kept[i + 1], ARGV[1], 1, true) then forgotten = forgotten + redis.call('HDEL', push, kept[i]) end
end
return forgotten
