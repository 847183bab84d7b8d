-- Announces the messages of a room up to one that replicas have received, in their order. What was announced before is
-- left out; what a node that failed did not announce is included. Idempotent.
--
-- KEYS  1 room   2 log   3 live channel
-- ARGV  1 seq of the message   2 maximum messages to announce
-- Reply the number of announced messages; 0 when the room was removed

local room, log, live = unpack(KEYS)
local last = tonumber(ARGV[1])
local state = redis.call('HMGET', room, 'announced', 'kind')
if not state[2] then return 0 end
local announced = tonumber(state[1])
if announced and announced >= last then return 0 end
-- The first time, the message before it may be the system message that its sender joined.
local first = math.max((announced or last - 2) + 1, last - tonumber(ARGV[2]) + 1)
local entries = redis.call('XRANGE', log, integer(first), integer(last))
for _, entry in ipairs(entries) do announce(live, entry[1], entry[2][2]) end
redis.call('HSET', room, 'announced', integer(last))
return #entries
