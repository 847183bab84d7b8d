-- Removes a token of an application.
--
-- KEYS  1 tokens by name   2 tokens   3 times of their last use
-- ARGV  1 folded name
-- Reply 1, or 0 when there is none with this name

local digest = redis.call('HGET', KEYS[1], ARGV[1])
if not digest then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], digest)
redis.call('HDEL', KEYS[3], digest)
return 1
