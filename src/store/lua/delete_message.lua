-- Deletes a message: an amendment that hides it. The record stays until retention drops it, later texts,
-- reactions and pins do not.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 live channel   6 admins
--       7 details of amendments
-- ARGV  1 user   2 entry id, or its seq alone   3 seq   4 '1' when the user may delete anything   5 maximum entries
-- Reply {'deleted', id, record} · {'already', id, record} · {'no_room'} · {'no_message'} · {'forbidden'}

local room, log, members, amended, live, admins, details = unpack(KEYS)
local user, id, seq = ARGV[1], ARGV[2], ARGV[3]
local state = redis.call('HMGET', room, 'kind', 'owner')
local is_admin = ARGV[4] == '1'
local kind = is_admin and state[1] or known_kind(state[1], members, user)
if not kind then return {'no_room'} end
local entry = redis.call('XRANGE', log, id, id)[1]
if not entry then return {'no_message'} end
id = entry[1]
local record = entry[2][2]
local sender = string.match(record, '^%d+')
-- Entries of the server (sender 0) have no owner who could delete them.
local may_delete = sender == user or is_admin or is_leader(state[2], admins, members, user)
if not may_delete then return {'forbidden'} end
local deletion = {field = seq, value = integer(room_time(0)) .. ' ' .. user, verb = 'd', announced = user}
local is_new = amend(room, log, amended, details, live, ARGV[5], id, deletion)
for _, hash in ipairs({amended, details}) do redis.call('HDEL', hash, seq .. ':e', seq .. ':m', seq .. ':r', seq .. ':p') end
return {is_new and 'deleted' or 'already', id, record}
