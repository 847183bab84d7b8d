-- Stores a webhook unless there are too many.
--
-- KEYS  1 webhooks of its kind   2 webhooks of its room   3 webhooks by maker   4 version of all
-- ARGV  1 field   2 what is stored   3 id   4 digest of its token ('' for an outgoing one)   5 maker   6 new version
--       7 maximum of its kind   8 of the room   9 of the maker (0 each for no limit)
-- Reply 1, or 0 when there are too many

local all, of_room, makers, version = unpack(KEYS)
local function is_full(count, most)
  most = tonumber(most)
  return most > 0 and (tonumber(count) or 0) >= most
end

if is_full(redis.call('HLEN', all), ARGV[7]) or is_full(redis.call('HLEN', of_room), ARGV[8]) then return 0 end
if is_full(redis.call('HGET', makers, ARGV[5]), ARGV[9]) then return 0 end
redis.call('HSET', all, ARGV[1], ARGV[2])
redis.call('HSET', of_room, ARGV[3], ARGV[4])
redis.call('HINCRBY', makers, ARGV[5], 1)
redis.call('SET', version, ARGV[6])
return 1
