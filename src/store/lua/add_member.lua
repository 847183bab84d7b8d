-- Adds a user to a room. Users join public rooms themselves, unless they were removed; any member may add users to a public
-- room, only the owner and admins to a group. With a link, users join a group themselves as well. Counts as a message of the actor.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 live channel   6 rate of the actor here   7 admins
--       8 users who were removed   9 details of amendments   10 links
-- ARGV  1 actor   2 user   3 record of it   4 maximum entries   5 retention ms   6 sweep ms
--       7 ms between messages   8 ms of burst   9 1 when the actor may add anybody and need not be a member; else 0
--       10 digest of the link with which the actor joins, or ''   11 1 when the user is no person; else 0
-- Reply {'added', kind, seq of the message} · {'already', kind, first seq since the user joined}
--       {'no_room'} · {'direct'} · {'forbidden'} · {'removed'} (the actor may not join) · {'limited', ms to wait}
--       {'no_link'} · {'expired'} · {'used_up'} (the actor may not join with the link)

local room, log, members, amended, live, rate, admins, removed, details, links = unpack(KEYS)
local actor, user, is_imposed = ARGV[1], ARGV[2], ARGV[9] == '1'
local state = redis.call('HMGET', room, 'kind', 'seq', 'ms', 'swept', 'owner')
local kind = state[1]
local actor_is_member = redis.call('ZSCORE', members, actor)
local link, refusal
if ARGV[10] ~= '' and not actor_is_member then
  link, refusal = open_link(links, ARGV[10], state[5], admins, members)
  if refusal then return {refusal} end
end
if not kind or (kind ~= 'public' and not actor_is_member and not is_imposed and not link) then return {'no_room'} end
if is_imposed then
  if kind == 'direct' then return {'direct'} end
elseif actor ~= user then
  if kind == 'direct' then return {'direct'} end
  if not actor_is_member then return {'forbidden'} end
  if kind == 'group' and not is_leader(state[5], admins, members, actor) then return {'forbidden'} end
end
local joined = redis.call('ZSCORE', members, user)
if joined then return {'already', kind, (first_since(log, tonumber(state[2]), tonumber(joined)))} end
if actor == user and not is_imposed and redis.call('ZSCORE', removed, user) then return {'removed'} end
local clock = redis_clock()
local wait = admit(rate, ARGV[7], ARGV[8], clock)
if wait > 0 then return {'limited', wait} end
local ms = math.max(math.floor(clock), tonumber(state[3]) or 0)
local seq = tonumber(state[2]) + 1
redis.call('ZADD', members, integer(ms), user)
if ARGV[11] == '1' then note_bot(room, user) end
if actor ~= user or is_imposed then redis.call('ZREM', removed, user) end
if link then
  link.used = link.used + 1
  store_link(links, ARGV[10], link)
end
append(log, live, seq, ms, ARGV[3], ARGV[4])
advance(room, log, amended, details, seq, ms, state[4], ARGV[5], ARGV[6])
return {'added', kind, seq}
