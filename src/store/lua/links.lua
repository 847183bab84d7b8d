-- Functions of the scripts that read links to a room. Prepended to each of them, behind `prelude.lua`.
--
-- A link is a field of a hash: digest of its token → `made maker expires uses used`. Times are in ms; 0 uses mean any number.

-- Returns a stored link, or nil.
local function parse_link(text)
  local made, maker, expires, uses, used = string.match(text or '', '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  if not made then return nil end
  return {made = made, maker = maker, expires = tonumber(expires), uses = tonumber(uses), used = tonumber(used)}
end

local function store_link(links, digest, link)
  local text = table.concat({link.made, link.maker, integer(link.expires), integer(link.uses), integer(link.used)}, ' ')
  redis.call('HSET', links, digest, text)
end

-- Returns the link with which a user may join now, or nil and why not. A link works as long as its creator is owner or
-- admin.
local function open_link(links, digest, owner, admins, members)
  local link = parse_link(redis.call('HGET', links, digest))
  if not link or not is_leader(owner, admins, members, link.maker) then return nil, 'no_link' end
  if link.expires <= redis_clock() then return nil, 'expired' end
  if link.uses > 0 and link.used >= link.uses then return nil, 'used_up' end
  return link
end

-- Returns why a user may not manage the links of a room, or nil.
local function refuse_links(room, members, admins, actor)
  local state = redis.call('HMGET', room, 'kind', 'owner')
  local kind = known_kind(state[1], members, actor)
  if not kind then return 'no_room' end
  if kind == 'direct' then return 'direct' end
  if not is_leader(state[2], admins, members, actor) then return 'forbidden' end
  return nil, state[2]
end
