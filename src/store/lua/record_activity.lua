-- Records from where a user was last active, under the account's present name. Leaves later activity as it is.
--
-- KEYS  1 account   2 details of the latest activity
-- ARGV  1 time in ms   2 address   3 user agent   4 time of the login in ms   5 lifetime of the details in seconds
--       6 '1' to renew that   7 how far ahead later activity may be in ms: beyond, the clock was set back
-- Reply the time of the latest activity in ms, or false when there is no account

local account, seen = KEYS[1], KEYS[2]
local found = redis.call('HMGET', account, 'name', 'deleted')
if not found[1] or found[2] then return false end
local latest = redis.call('HGET', seen, 'at')
local ahead = (tonumber(latest) or 0) - tonumber(ARGV[1])
local is_late = ahead > 0 and ahead <= tonumber(ARGV[7])
if not is_late then redis.call('HSET', seen, 'name', found[1], 'ip', ARGV[2], 'agent', ARGV[3], 'at', ARGV[1]) end
if ARGV[6] == '1' or not latest then
  -- After the recorded login has expired, the token's time of issue replaces it.
  redis.call('HSETNX', seen, 'login', ARGV[4])
  redis.call('EXPIRE', seen, ARGV[5])
end
return is_late and latest or ARGV[1]
