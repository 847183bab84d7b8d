-- Removes a webhook of either kind.
--
-- KEYS  1 webhooks of its room   2 incoming ones   3 their last use   4 outgoing ones   5 how they fare
--       6 webhooks by maker   7 version of all
-- ARGV  1 id   2 maker   3 new version
-- Reply 1, or 0 when the room has none with this id

local of_room, incoming, used, outgoing, health, makers, version = unpack(KEYS)
local id, maker = ARGV[1], ARGV[2]
local digest = redis.call('HGET', of_room, id)
if not digest then return 0 end
redis.call('HDEL', of_room, id)
if digest == '' then
  redis.call('HDEL', outgoing, id)
  redis.call('HDEL', health, id .. ':ok', id .. ':since', id .. ':error', id .. ':lost')
else
  redis.call('HDEL', incoming, digest)
  redis.call('HDEL', used, digest)
end
if (tonumber(redis.call('HGET', makers, maker)) or 0) > 1 then
  redis.call('HINCRBY', makers, maker, -1)
else
  redis.call('HDEL', makers, maker)
end
redis.call('SET', version, ARGV[3])
return 1
