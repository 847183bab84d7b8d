-- Removes a deleted user from a direct room. A room that both have left expires.
--
-- KEYS  1 room   2 members
-- ARGV  1 user   2 retention ms
-- Reply the number of members left

redis.call('ZREM', KEYS[2], ARGV[1])
local left = redis.call('ZCARD', KEYS[2])
if left == 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return left
