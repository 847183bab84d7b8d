-- Announces to a room that a member is typing, unless too many would receive it, or it is a direct room whose other
-- user blocks the member. Stores nothing.
--
-- KEYS  1 room   2 members   3 live channel
-- ARGV  1 user   2 name   3 maximum members
-- Reply 1, or 0 when the user is no member

if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
if redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[3]) then return 1 end
if redis.call('HEXISTS', KEYS[1], 'blocked:' .. ARGV[1]) == 1 then return 1 end
publish(KEYS[3], 't ' .. ARGV[1] .. ' ' .. ARGV[2])
return 1
