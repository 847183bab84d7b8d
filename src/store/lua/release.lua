-- Releases a key that points to a number, unless it points to another.
--
-- KEYS  1 key
-- ARGV  1 number   2 ms for which the key stays (0 for none)
-- Reply 1, or 0 when the key does not point to the number

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
