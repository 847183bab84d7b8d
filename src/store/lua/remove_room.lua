-- Removes a room and announces it. Its owner may, as long as a member. The remains say that the room was removed (it
-- has no kind), who was a member and which messages it had; `room_removals.rs` needs that to remove what lies in other
-- slots.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 live channel   6 admins   7 read   8 delivered
--       9, 10 hashes of client ids   11 former members   12 former log   13 users who were removed from the room
--       14 details of amendments   15 links
-- ARGV  1 actor   2 '1' when the actor may remove any room
-- Reply {'removed', name} · {'no_room'} · {'permanent'} · {'forbidden'}

local room, log, members, amended, live, admins, read, delivered, ids, other_ids = unpack(KEYS, 1, 10)
local former_members, former_log, removed, details, links = unpack(KEYS, 11)
local actor, may_remove = ARGV[1], ARGV[2] == '1'
local state = redis.call('HMGET', room, 'kind', 'owner', 'name')
local kind, name = state[1], state[3]
if not kind then return {'no_room'} end
local is_member = redis.call('ZSCORE', members, actor)
if kind ~= 'public' and not is_member and not may_remove then return {'no_room'} end
if kind == 'direct' then return {'permanent'} end
if not may_remove and not (is_member and state[2] == actor) then return {'forbidden'} end
-- First, because users of Redis may lack the right to rename: then nothing has changed.
if redis.call('EXISTS', members) == 1 then redis.call('RENAME', members, former_members) end
if redis.call('EXISTS', log) == 1 then redis.call('RENAME', log, former_log) end
redis.call('DEL', room)
redis.call('HSET', room, 'former', kind, 'name', name)
redis.call('UNLINK', amended, details, admins, read, delivered, ids, other_ids, removed, links)
publish(live, 'x ' .. actor .. ' ' .. name)
return {'removed', name}
