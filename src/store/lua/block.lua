-- Blocks a user, unless too many are blocked. Idempotent.
--
-- KEYS  1 users whom this user blocks
-- ARGV  1 the other user   2 time in ms   3 maximum users
-- Reply 1, or 0 when there are too many

local blocks = KEYS[1]
if redis.call('ZSCORE', blocks, ARGV[1]) then return 1 end
if redis.call('ZCARD', blocks) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', blocks, ARGV[2], ARGV[1])
return 1
