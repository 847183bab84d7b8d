-- Counts a password attempt, unless its address must still wait. An attempt counts as wrong until it proves right, so
-- concurrent attempts count as well. Those that must wait do not count.
--
-- KEYS  1 attempts for an account from an address: how many, and the time in ms before which there is no other
-- ARGV  1 attempts that need no waiting   2 ms after which they are forgotten, the longest wait as well
-- Reply 0, or the ms to wait

local FIRST_WAIT = 1000
local MAX_DOUBLINGS = 30

local tries = KEYS[1]
local free, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = math.floor(redis_clock())
local count, until_ms = string.match(redis.call('GET', tries) or '', '^(%d+) (%d+)$')
-- No wait is longer than the window, whatever happened to the clock.
local wait = math.min((tonumber(until_ms) or 0) - now, window)
if wait > 0 then return wait end

count = (tonumber(count) or 0) + 1
if count < free then
  -- The first one begins the window.
  redis.call('SET', tries, integer(count) .. ' 0', unpack(count == 1 and {'PX', integer(window)} or {'KEEPTTL'}))
  return 0
end
local pause = math.min(FIRST_WAIT * 2 ^ math.min(count - free, MAX_DOUBLINGS), window)
redis.call('SET', tries, integer(count) .. ' ' .. integer(now + pause), 'PX', integer(pause + window))
return 0
