-- Removes files that have been unused for long from the list, so that only the caller removes them. A message that is
-- sent meanwhile either renews its file before, which is then not taken, or comes after.
--
-- KEYS  1 times of use   2 descriptions   3 avatars in use, which stay   4 bytes by user
-- ARGV  1 ms before which a file counts as unused   2 maximum files to take
-- Reply their paths

-- Later than any time, as keep_picture.lua has it.
local ALWAYS = '9007199254740991'

local paths = {}
for _, path in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])) do
  if redis.call('HEXISTS', KEYS[3], path) == 1 then
    -- It was listed only after it had been recorded as an avatar.
    redis.call('ZADD', KEYS[1], ALWAYS, path)
  else
    paths[#paths + 1] = path
  end
end
if #paths > 0 then
  redis.call('ZREM', KEYS[1], unpack(paths))
  for _, path in ipairs(paths) do forget_description(KEYS[2], KEYS[4], path) end
end
return paths
