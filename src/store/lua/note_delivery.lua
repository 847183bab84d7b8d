-- Notes how an attempt to deliver to a webhook ended, unless the webhook was removed meanwhile.
--
-- KEYS  1 webhooks   2 how deliveries fare
-- ARGV  1 webhook   2 present time in ms   3 why the attempt failed, '' when it did not   4 messages that are given up
-- Reply 1, or 0 when there is no such webhook

local hooks, health = unpack(KEYS)
local id, now, reason, lost = unpack(ARGV)
if redis.call('HEXISTS', hooks, id) == 0 then return 0 end
if reason == '' then
  redis.call('HSET', health, id .. ':ok', now)
  redis.call('HDEL', health, id .. ':since', id .. ':error')
  return 1
end
redis.call('HSETNX', health, id .. ':since', now)
redis.call('HSET', health, id .. ':error', reason)
if lost ~= '0' then redis.call('HINCRBY', health, id .. ':lost', lost) end
return 1
