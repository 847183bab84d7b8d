-- Takes files that nothing has used for long off the list, so that the caller alone removes them. A message that is sent
-- meanwhile either renews its file before, which is then not taken, or comes after.
--
-- KEYS  1 times of use   2 descriptions
-- ARGV  1 ms before which a file counts as unused   2 most files to take
-- Reply their paths

local paths = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
if #paths > 0 then
  redis.call('ZREM', KEYS[1], unpack(paths))
  redis.call('HDEL', KEYS[2], unpack(paths))
end
return paths
