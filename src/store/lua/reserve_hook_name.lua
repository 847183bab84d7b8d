-- Reserves one of the names under which the webhooks of a room may ever post.
--
-- KEYS  1 names of the room's webhooks
-- ARGV  1 folded name   2 maximum names
-- Reply 'known' · 'new' · 'full'

if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'known' end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], 1)
return 'new'
