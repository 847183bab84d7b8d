-- Removes a user from a room. Every member may leave; the owner and admins may remove others. When the owner of a group
-- leaves, it passes to the admin who joined first, or else to the member who joined first. Counts as a message of the
-- actor.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 live channel   6 rate of the actor here   7 admins
-- ARGV  1 actor   2 user   3 record of it   4 maximum entries   5 retention ms   6 sweep ms
--       7 ms between messages   8 ms of burst
-- Reply {'removed', kind, seq of the message} · {'absent', kind, seq of the next message} (the user is no member)
--       {'no_room'} · {'direct'} · {'forbidden'} · {'limited', ms to wait}

local room, log, members, amended, live, rate, admins = unpack(KEYS)
local actor, user = ARGV[1], ARGV[2]
local state = redis.call('HMGET', room, 'kind', 'seq', 'ms', 'swept', 'owner')
local kind, owner = state[1], state[5]
if not kind then return {'no_room'} end
if kind ~= 'public' and not redis.call('ZSCORE', members, actor) then return {'no_room'} end
if kind == 'direct' then return {'direct'} end
if actor ~= user then
  if not is_leader(owner, admins, actor) then return {'forbidden'} end
  -- Only the owner removes admins.
  if actor ~= owner and is_leader(owner, admins, user) then return {'forbidden'} end
end
if not redis.call('ZSCORE', members, user) then return {'absent', kind, tonumber(state[2]) + 1} end
local clock = redis_clock()
local wait = admit(rate, ARGV[7], ARGV[8], clock)
if wait > 0 then return {'limited', wait} end
local ms = math.max(math.floor(clock), tonumber(state[3]) or 0)
local seq = tonumber(state[2]) + 1
redis.call('ZREM', members, user)
redis.call('SREM', admins, user)
append(log, live, seq, ms, ARGV[3], ARGV[4])
advance(room, log, amended, seq, ms, state[4], ARGV[5], ARGV[6])
if kind == 'group' and user == owner then
  local heir, joined
  for _, admin in ipairs(redis.call('SMEMBERS', admins)) do
    local at = tonumber(redis.call('ZSCORE', members, admin) or math.huge)
    if not joined or at < joined then heir, joined = admin, at end
  end
  heir = heir or redis.call('ZRANGE', members, 0, 0)[1]
  if heir then
    redis.call('HSET', room, 'owner', heir)
    redis.call('SREM', admins, heir)
  else
    redis.call('PEXPIRE', room, ARGV[5]) -- the room has no members any more
  end
end
return {'removed', kind, seq}
