-- Removes the note of an account that something is left to do after a change, unless a later change has left another.
--
-- KEYS  1 account
-- ARGV  1 field   2 its value
-- Reply 1, or 0 when it has another value or none

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
