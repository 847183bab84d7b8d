-- Changes the role of a member. Only the owner may.
--
-- KEYS  1 room   2 members   3 admins
-- ARGV  1 actor   2 user   3 'admin' or 'member'
-- Reply 'done' | 'absent' (the user is no member) | 'no_room' | 'direct' | 'forbidden'

local room, members, admins = unpack(KEYS)
local state = redis.call('HMGET', room, 'kind', 'owner')
local is_member = redis.call('ZSCORE', members, ARGV[1])
if not state[1] or (state[1] ~= 'public' and not is_member) then return 'no_room' end
if state[1] == 'direct' then return 'direct' end
if not is_member or state[2] ~= ARGV[1] or ARGV[1] == ARGV[2] then return 'forbidden' end
if not redis.call('ZSCORE', members, ARGV[2]) then return 'absent' end
redis.call(ARGV[3] == 'admin' and 'SADD' or 'SREM', admins, ARGV[2])
return 'done'
