-- Counts bytes that a user uploads, or subtracts some that were counted too many.
--
-- KEYS  1 counter of the user
-- ARGV  1 bytes (negative to subtract)   2 maximum bytes in that time   3 ms after the first upload at which counting begins again
-- Reply 0, or the ms to wait when these bytes would be too many

local bytes, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local counted = tonumber(redis.call('GET', KEYS[1]))
if bytes < 0 then
  -- A day that is over needs no correction.
  if counted then redis.call('INCRBY', KEYS[1], -math.min(counted, -bytes)) end
  return 0
end
if (counted or 0) + bytes > most then
  local wait = redis.call('PTTL', KEYS[1])
  return wait > 0 and wait or tonumber(ARGV[3])
end
redis.call('INCRBY', KEYS[1], bytes)
if not counted then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 0
