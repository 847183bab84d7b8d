-- Uses up a one-time password.
--
-- KEYS  1 account
-- ARGV  1 its hash   2 time in ms
-- Reply 1, or 0 when it was used before, is too old, or was replaced

local state = redis.call('HMGET', KEYS[1], 'once', 'hash')
if state[2] ~= ARGV[1] or not state[1] or tonumber(state[1]) < tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'once', 0)
return 1
