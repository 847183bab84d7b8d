-- Revokes a link to a room. Its owner and admins may. Who has joined with it stays.
--
-- KEYS  1 room   2 members   3 admins   4 links
-- ARGV  1 actor   2 digest of the token
-- Reply {'revoked'} · {'no_link'} · {'no_room'} · {'direct'} · {'forbidden'}

local room, members, admins, links = unpack(KEYS)
local refusal = refuse_links(room, members, admins, ARGV[1])
if refusal then return {refusal} end
if redis.call('HDEL', links, ARGV[2]) == 0 then return {'no_link'} end
return {'revoked'}
