-- Reads one entry of a list of rooms.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 details of amendments
-- ARGV  1 caller   2 maximum members   3 time in ms before which entries are ignored
-- Reply {{kind, seq, ms, revision, pair, announced, bots}, name, description, created, members, number of members,
--       caller is a member 0|1, entry id, record, its amendments with details} (entry id and record false when there is no message), or
--       false when there is no room

local room, log, members, amended, details = unpack(KEYS)
local state = redis.call(
  'HMGET', room, 'kind', 'seq', 'ms', 'gone', 'pair', 'announced', 'bots', 'name', 'description', 'created'
)
if not state[1] then return false end
local most = tonumber(ARGV[2])
local listed = most > 0 and redis.call('ZRANGE', members, 0, most - 1) or {}
local is_member = redis.call('ZSCORE', members, ARGV[1]) and 1 or 0
local id, record, amendments = false, false, {}
walk_back(log, amended, tonumber(ARGV[3]), function(entry, _, _, found)
  id, record, amendments = entry[1], entry[2][2], found
  return false
end)
local head = {state[1], state[2], state[3], state[4], state[5], state[6], state[7]}
amendments = with_details(details, amendments)
return {head, state[8], state[9], state[10], listed, redis.call('ZCARD', members), is_member, id, record, amendments}
