-- Reads what somebody with a link to a room sees of it before joining. Members need no valid link.
--
-- KEYS  1 room   2 members   3 admins   4 links   5 users who were removed
-- ARGV  1 user   2 digest of the token
-- Reply {'open', kind, name, description, avatar, number of members, 1 for a member or 0}
--       {'no_link'} · {'expired'} · {'used_up'} · {'removed'} (the user may not join)

local room, members, admins, links, removed = unpack(KEYS)
local user, digest = ARGV[1], ARGV[2]
local state = redis.call('HMGET', room, 'kind', 'name', 'description', 'avatar', 'owner')
local is_member = redis.call('ZSCORE', members, user) and 1 or 0
if is_member == 0 then
  local link, refusal = open_link(links, digest, state[5], admins, members)
  if not link then return {refusal} end
  if redis.call('ZSCORE', removed, user) then return {'removed'} end
end
if not state[1] or state[1] == 'direct' then return {'no_link'} end
return {'open', state[1], state[2] or '', state[3] or '', state[4] or '', redis.call('ZCARD', members), is_member}
