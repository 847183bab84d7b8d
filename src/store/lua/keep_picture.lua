-- Records which upload is the avatar of a user or room, so that it is kept as long as it is in use. The previous avatar
-- counts as used until now, unless another user or room has it, too.
--
-- KEYS  1 times of use   2 avatars in use
-- ARGV  1 user or room   2 path ('' for none)   3 time in ms
-- Reply 1

local used, pictures = unpack(KEYS)
local owner, path, now = unpack(ARGV)
-- Later than any time.
local ALWAYS = '9007199254740991'

local before = redis.call('HGET', pictures, owner)
if before == path then return 1 end
if before then
  redis.call('HDEL', pictures, owner)
  if redis.call('HINCRBY', pictures, before, -1) < 1 then
    redis.call('HDEL', pictures, before)
    redis.call('ZADD', used, 'XX', now, before)
  end
end
if path ~= '' then
  redis.call('HSET', pictures, owner, path)
  redis.call('HINCRBY', pictures, path, 1)
  redis.call('ZADD', used, 'XX', ALWAYS, path)
end
return 1
