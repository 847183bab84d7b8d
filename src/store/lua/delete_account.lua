-- Deletes an account. Its number stays in use, with the name that is shown from now on.
--
-- KEYS  1 account
-- ARGV  1 expected hash of the password ('' for any)   2 the name that is shown
-- Reply {the first valid epoch of tokens, ms}, 'changed' when the hash differs, or false when there is no account
--
-- `former` and `address`, the name and the e-mail address, stay until the keys that point to the account are released.

local account = KEYS[1]
local found = redis.call('HMGET', account, 'hash', 'epoch', 'name', 'email')
if not found[1] then return false end
if ARGV[1] ~= '' and ARGV[1] ~= found[1] then return 'changed' end
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = string.format('%.0f', math.max(clock, (tonumber(found[2]) or 0) + 1))
redis.call('DEL', account)
redis.call('HSET', account, 'name', ARGV[2], 'epoch', epoch, 'deleted', string.format('%.0f', clock),
  'former', found[3], 'address', found[4] or '')
return {epoch, string.format('%.0f', clock)}
