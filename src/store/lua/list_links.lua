-- Lists the links of a room that have not expired. Its owner and admins may.
--
-- KEYS  1 room   2 members   3 admins   4 links
-- ARGV  1 actor
-- Reply {'links', digest, link, …}, as `links.lua` describes · {'no_room'} · {'direct'} · {'forbidden'}

local room, members, admins, links = unpack(KEYS)
local refusal, owner = refuse_links(room, members, admins, ARGV[1])
if refusal then return {refusal} end
local listed, stored, now = {'links'}, redis.call('HGETALL', links), redis_clock()
for i = 1, #stored, 2 do
  local link = parse_link(stored[i + 1])
  if link and link.expires > now and is_leader(owner, admins, members, link.maker) then
    listed[#listed + 1] = stored[i]
    listed[#listed + 1] = stored[i + 1]
  end
end
return listed
