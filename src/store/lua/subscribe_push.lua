-- Keeps a subscription to notifications, in place of the oldest ones when there are too many.
--
-- KEYS  1 the user's subscriptions
-- ARGV  1 field   2 subscription, which begins with the time in ms and a space   3 maximum subscriptions
--       4 seconds for which they are kept
-- Reply 1

local push, field, most = KEYS[1], ARGV[1], tonumber(ARGV[3])
redis.call('HDEL', push, field)
local kept = redis.call('HGETALL', push)
local oldest = {}
for i = 1, #kept, 2 do
  oldest[#oldest + 1] = {kept[i], tonumber(string.match(kept[i + 1], '^%d+')) or 0}
end
table.sort(oldest, function(a, b) return a[2] < b[2] end)
for i = 1, #oldest - most + 1 do
  redis.call('HDEL', push, oldest[i][1])
end
redis.call('HSET', push, field, ARGV[2])
redis.call('EXPIRE', push, ARGV[4])
return 1
