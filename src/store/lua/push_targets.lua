-- Where a user is to be notified of a message.
--
-- KEYS  1 the user's subscriptions   2 nodes where a window of the user has the focus   3 settings of conversations
--       4 users whom the user blocks
-- ARGV  1 room   2 sender   3 1 when the message mentions the user, else 0   4 ms since which a focus counts
-- Reply {field, subscription, …}; {} when the user is not to be notified

local push = KEYS[1]
if redis.call('EXISTS', push) == 0 then return {} end
local wanted = string.sub(redis.call('HGET', KEYS[3], ARGV[1]) or 'a', 1, 1)
if wanted == 'n' or (wanted == 'm' and ARGV[3] == '0') then return {} end
if redis.call('ZSCORE', KEYS[4], ARGV[2]) then return {} end
if redis.call('ZCOUNT', KEYS[2], ARGV[4], '+inf') > 0 then return {} end
return redis.call('HGETALL', push)
