-- Removes the data of a file that is removed.
--
-- KEYS  1 times of use   2 times of messages   3 descriptions   4 bytes by user
-- ARGV  1 path
-- Reply 1

redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
forget_description(KEYS[3], KEYS[4], ARGV[1])
return 1
