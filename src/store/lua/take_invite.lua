-- Uses an invite for an account: once, however often it is called.
--
-- KEYS  1 invite
-- ARGV  1 account
-- Reply 1, or 0 when there is no such invite or it is used up
--
-- The hash has the field `uses`, and one for each account that was created.

local uses = redis.call('HGET', KEYS[1], 'uses')
if not uses then return 0 end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 1 end
if redis.call('HLEN', KEYS[1]) - 1 >= tonumber(uses) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], '')
return 1
