-- Makes a key point to a number, unless it points to another. A stale number is replaced.
--
-- KEYS  1 key
-- ARGV  1 number   2 stale number (0 for none)
-- Reply 1, or 0 when the key points to another number

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and holder ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
