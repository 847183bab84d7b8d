-- Changes an account's profile, provided that its name is still the expected one.
--
-- KEYS  1 account
-- ARGV  1 expected name   2… field, value, …
-- Reply the time of the change in ms, 'changed' when the name differs, or false when there is no account

local account = KEYS[1]
local name = redis.call('HGET', account, 'name')
if not name then return false end
if name ~= ARGV[1] then return 'changed' end
local time = redis.call('TIME')
local ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', account, 'updated', ms, unpack(ARGV, 2))
return ms
