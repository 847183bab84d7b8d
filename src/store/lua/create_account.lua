-- Creates an account unless its number is in use: by an account, or by the remains of one.
--
-- KEYS  1 account   2 list of rooms
-- ARGV  1… field, value, …
-- Reply 1, or 0 when the number is taken

if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
