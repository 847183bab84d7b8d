-- Adds a user to a public room, or finds them in a room of any kind.
--
-- KEYS  1 room   2 log   3 members   4 gone   5 live channel   6 rate of the user here
-- ARGV  1 user   2 record of the joining   3 most entries   4 retention ms   5 sweep ms   6 ms between messages   7 ms of burst
-- Reply {'joined', kind} · {'already', kind} · {'no_room'} · {'limited', ms to wait}

local room, log, members, gone, live, rate = unpack(KEYS)
local state = redis.call('HMGET', room, 'kind', 'seq', 'ms', 'swept')
if not state[1] then return {'no_room'} end
if redis.call('ZSCORE', members, ARGV[1]) then return {'already', state[1]} end
if state[1] ~= 'public' then return {'no_room'} end
local clock = redis_clock()
local wait = admit(rate, ARGV[6], ARGV[7], clock)
if wait > 0 then return {'limited', wait} end
local ms = math.max(math.floor(clock), tonumber(state[3]) or 0)
local seq = tonumber(state[2]) + 1
redis.call('ZADD', members, integer(ms), ARGV[1])
append(log, live, seq, ms, ARGV[2], ARGV[3])
advance(room, log, gone, seq, ms, state[4], ARGV[4], ARGV[5])
return {'joined', state[1]}
