-- Raises the last seq of a room above that of a message which was delivered and then lost, so that its id is not
-- reused. One seq more is left out, so that the token of the lost message is not that of the place before the next one.
--
-- KEYS  1 room
-- ARGV  1 seq of the lost message   2 its time in ms
-- Reply 1, or 0 when the seq is higher already or there is no such room

local state = redis.call('HMGET', KEYS[1], 'kind', 'seq', 'ms')
local lost, last = tonumber(ARGV[1]), tonumber(state[2]) or 0
if not state[1] or last > lost then return 0 end
local ms = math.max(tonumber(state[3]) or 0, tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'seq', string.format('%.0f', lost + 1), 'ms', string.format('%.0f', ms))
return 1
