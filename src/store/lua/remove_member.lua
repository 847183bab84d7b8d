-- Removes a user from a room. Every member may leave; the owner and admins may remove others, who then cannot join again,
-- a group by a link, before somebody adds them. In a public room that goes for users who have just left as well. When the owner of a group leaves,
-- it passes to the admin who joined first, or else to the member who joined first: a person before a bot. Counts as a message of the actor.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 live channel   6 rate of the actor here   7 admins
--       8 users who were removed   9 details of amendments   10 links
-- ARGV  1 actor   2 user   3 record of it   4 maximum entries   5 retention ms   6 sweep ms
--       7 ms between messages   8 ms of burst   9, 10, 11 not used
-- Reply {'removed', kind, seq of the message} · {'emptied', kind, seq of the message} (nobody is left in the group)
--       {'absent', kind, seq of the next message} (the user is no member)
--       {'kept_out', kind, seq of the next message} (the user is no member and cannot join any more)
--       {'no_room'} · {'direct'} · {'forbidden'} · {'limited', ms to wait}

local MAX_REMOVED = 10000

local room, log, members, amended, live, rate, admins, removed, details, links = unpack(KEYS)
local actor, user = ARGV[1], ARGV[2]
local state = redis.call('HMGET', room, 'kind', 'seq', 'ms', 'swept', 'owner')
local kind, owner = known_kind(state[1], members, actor), state[5]
if not kind then return {'no_room'} end
if kind == 'direct' then return {'direct'} end
if actor ~= user then
  if not is_leader(owner, admins, members, actor) then return {'forbidden'} end
  -- Only the owner removes admins. The owner of a public room may be absent and come back.
  if user == owner or actor ~= owner and redis.call('SISMEMBER', admins, user) == 1 then return {'forbidden'} end
end
local is_member = redis.call('ZSCORE', members, user)
local may_come_back = actor == user or (kind == 'group' and not is_member)
local is_kept_out = not may_come_back and not redis.call('ZSCORE', removed, user)
if not is_member and not is_kept_out then return {'absent', kind, tonumber(state[2]) + 1} end
local clock = redis_clock()
local wait = admit(rate, ARGV[7], ARGV[8], clock)
if wait > 0 then return {'limited', wait} end
local ms = math.max(math.floor(clock), tonumber(state[3]) or 0)
if is_kept_out then
  redis.call('ZADD', removed, integer(ms), user)
  if redis.call('ZCARD', removed) > MAX_REMOVED then
    redis.call('ZREM', removed, redis.call('ZRANGE', removed, 0, 0)[1])
  end
end
if not is_member then return {'kept_out', kind, tonumber(state[2]) + 1} end
local seq = tonumber(state[2]) + 1
redis.call('ZREM', members, user)
redis.call('SREM', admins, user)
append(log, live, seq, ms, ARGV[3], ARGV[4])
advance(room, log, amended, details, seq, ms, state[4], ARGV[5], ARGV[6])
if kind == 'group' and user == owner then
  local bots = ',' .. (redis.call('HGET', room, 'bots') or '') .. ','
  local function is_bot(member)
    return string.find(bots, ',' .. member .. ',', 1, true)
  end
  local heir, joined
  for _, admin in ipairs(redis.call('SMEMBERS', admins)) do
    local at = tonumber(redis.call('ZSCORE', members, admin) or math.huge)
    if not is_bot(admin) and (not joined or at < joined) then heir, joined = admin, at end
  end
  local first = 0
  while not heir do
    local next_member = redis.call('ZRANGE', members, first, first)[1]
    if not next_member then break end
    if not is_bot(next_member) then heir = next_member end
    first = first + 1
  end
  heir = heir or redis.call('ZRANGE', members, 0, 0)[1]
  if heir then
    redis.call('HSET', room, 'owner', heir)
    redis.call('SREM', admins, heir)
  else
    redis.call('PEXPIRE', room, ARGV[5]) -- the room has no members any more
    redis.call('DEL', removed, links)
    return {'emptied', kind, seq}
  end
end
return {'removed', kind, seq}
