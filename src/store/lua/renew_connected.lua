-- Records that users still have an open socket.
--
-- KEYS  1 connected users
-- ARGV  1 time in ms   2… users
-- Reply the users who were not recorded before

local added = {}
for i = 2, #ARGV do
  if redis.call('ZADD', KEYS[1], ARGV[1], ARGV[i]) == 1 then added[#added + 1] = ARGV[i] end
end
return added
