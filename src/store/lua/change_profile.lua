-- Changes an account's profile, provided that its name is still the expected one. A new name shows at once where the user
-- is listed as online.
--
-- KEYS  1 account   2 details of the latest activity
-- ARGV  1 expected name   2… field, value, …
-- Reply the time of the change in ms, 'changed' when the name differs, or false when there is no account

local account, seen = KEYS[1], KEYS[2]
local name = redis.call('HGET', account, 'name')
if not name then return false end
if name ~= ARGV[1] then return 'changed' end
local time = redis.call('TIME')
local ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', account, 'updated', ms, unpack(ARGV, 2))
if redis.call('EXISTS', seen) == 1 then
  redis.call('HSET', seen, 'name', redis.call('HGET', account, 'name'))
end
return ms
