-- Starts a new token epoch of an account and changes fields of the account. The account notes the epoch as `untold` until
-- it is announced.
--
-- KEYS  1 account
-- ARGV  1 expected hash of the password ('' for any)   2… field, value, …
-- Reply the new epoch, 'changed' when the hash differs, or false when there is no account

local account = KEYS[1]
local hash = redis.call('HGET', account, 'hash')
if not hash then return false end
if ARGV[1] ~= '' and ARGV[1] ~= hash then return 'changed' end
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = math.max(clock, (tonumber(redis.call('HGET', account, 'epoch')) or 0) + 1)
local text = string.format('%.0f', epoch)
redis.call('HSET', account, 'epoch', text, 'untold', text, unpack(ARGV, 2))
return text
