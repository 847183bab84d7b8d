-- Stores a webhook unless there are too many.
--
-- KEYS  1 webhooks
-- ARGV  1 field   2 what is stored   3 maximum webhooks
-- Reply 1, or 0 when there are too many

if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
