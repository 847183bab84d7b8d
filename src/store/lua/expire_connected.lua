-- Removes users whose nodes have not renewed them. A time in the future is from a clock that was set back since, and of
-- no node that still runs.
--
-- KEYS  1 connected users
-- ARGV  1 earliest and 2 latest possible time of a renewal in ms   3 maximum users
-- Reply the removed users

local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[3])
for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[2], '+inf', 'LIMIT', 0, ARGV[3])) do
  gone[#gone + 1] = user
end
for _, user in ipairs(gone) do
  redis.call('ZREM', KEYS[1], user)
end
return gone
