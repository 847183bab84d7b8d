-- Records in a direct room whether one of its users is blocked by the other.
--
-- KEYS  1 room
-- ARGV  1 pair of the room (`3:7`)   2 user   3 '1' when the other one blocks the user
-- Reply 1, or 0 when it is not their room

if redis.call('HGET', KEYS[1], 'pair') ~= ARGV[1] then return 0 end
local field = 'blocked:' .. ARGV[2]
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], field, 1) else redis.call('HDEL', KEYS[1], field) end
return 1
