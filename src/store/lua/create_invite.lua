-- Creates an invite.
--
-- KEYS  1 invite
-- ARGV  1 accounts that it may make   2 lifetime in ms
-- Reply 1

redis.call('HSET', KEYS[1], 'uses', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
