-- Creates a link with which users join a room themselves. The owner and admins may. Links that have expired are kept
-- for a while, so that users learn that they have expired; those whose creator is neither owner nor admin any more are
-- removed.
--
-- KEYS  1 room   2 members   3 admins   4 links
-- ARGV  1 actor   2 digest of the token   3 lifetime in ms   4 users who may join with it, 0 for any number
--       5 maximum number of links   6 ms for which one that has expired is kept
-- Reply {'made', when it expires, ms} · {'no_room'} · {'direct'} · {'forbidden'} · {'full'}

local room, members, admins, links = unpack(KEYS)
local actor, digest, lifetime, most, kept = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5]), tonumber(ARGV[6])
local refusal, owner = refuse_links(room, members, admins, actor)
if refusal then return {refusal} end
local now = math.floor(redis_clock())
local valid, expired, useless, last = 0, {}, {}, now + lifetime
local stored = redis.call('HGETALL', links)
for i = 1, #stored, 2 do
  local link = parse_link(stored[i + 1])
  if not link or not is_leader(owner, admins, members, link.maker) or link.expires + kept <= now then
    useless[#useless + 1] = stored[i]
  elseif link.expires <= now then
    expired[#expired + 1] = stored[i]
  else
    valid, last = valid + 1, math.max(last, link.expires)
  end
end
if valid >= most then return {'full'} end
if #useless > 0 then redis.call('HDEL', links, unpack(useless)) end
if #expired >= most then redis.call('HDEL', links, unpack(expired)) end
local link = {made = integer(now), maker = actor, expires = now + lifetime, uses = tonumber(ARGV[4]), used = 0}
store_link(links, digest, link)
redis.call('PEXPIRE', links, integer(last + kept - now))
return {'made', link.expires}
