-- Starts a new token epoch of an account and changes fields of the account.
--
-- KEYS  1 account
-- ARGV  1… field, value, …
-- Reply the new epoch, or false when there is no account

local account = KEYS[1]
if redis.call('EXISTS', account) == 0 then return false end
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = math.max(clock, (tonumber(redis.call('HGET', account, 'epoch')) or 0) + 1)
redis.call('HSET', account, 'epoch', string.format('%.0f', epoch), unpack(ARGV))
return string.format('%.0f', epoch)
