-- Changes properties of a room and announces it. The owner and admins may. Counts as a message of the actor.
--
-- KEYS  1 room   2 members   3 admins   4 live channel   5 rate of the actor here
-- ARGV  1 actor   2 ms between messages   3 ms of burst   4 what is announced   5… field, value, …
-- Reply {'changed', kind, former name} · {'no_room'} · {'direct'} · {'forbidden'} · {'limited', ms to wait}

local room, members, admins, live, rate = unpack(KEYS)
local actor = ARGV[1]
local state = redis.call('HMGET', room, 'kind', 'owner', 'name')
local kind = known_kind(state[1], members, actor)
if not kind then return {'no_room'} end
if kind == 'direct' then return {'direct'} end
if not is_leader(state[2], admins, members, actor) then return {'forbidden'} end
local wait = admit(rate, ARGV[2], ARGV[3], redis_clock())
if wait > 0 then return {'limited', wait} end
redis.call('HSET', room, unpack(ARGV, 5))
publish(live, 'c ' .. actor .. ' ' .. ARGV[4])
return {'changed', kind, state[3]}
