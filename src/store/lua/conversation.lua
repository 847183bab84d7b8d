-- Reads one entry of a user's list of conversations. Requires mentions.lua.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 read   6 details of amendments
-- ARGV  1 user   2 highest seq that the user has read   3 time in ms before which entries are ignored
--       4 the other user of a direct room ('' for none)
-- Reply {kind, name, pair, ms of the last change, entry id, record, its amendments with details, unread, runs read by the
--       other, avatar, joined ms, unread mentions} (id and record false when there is no message; unread -1 when counting takes too long
--       here), or false when the user is no member

local room, log, members, amended, read, details = unpack(KEYS)
local user, highest, other = ARGV[1], tonumber(ARGV[2]), ARGV[4]
local state = redis.call('HMGET', room, 'kind', 'name', 'pair', 'ms', 'avatar')
local joined = redis.call('ZSCORE', members, user)
if not state[1] or not joined then return false end
local joined_ms = tonumber(joined)

-- Returns whom a message mentions as it reads now. `found` are the amendments of the first, `fields` are those of the room.
local function users_mentioned(entry, seq, found, fields)
  local field, change = seq .. ':m', false
  if fields then
    change = fields[field] and redis.call('HGET', amended, field)
  else
    for i = 1, #found, 2 do
      if found[i] == field then change = found[i + 1] end
    end
  end
  return change and users_of_change(change) or mentioned_users(entry[2][2])
end

local id, record, amendments, unread, mentions = false, false, {}, 0, 0
local is_cut = walk_back(log, amended, tonumber(ARGV[3]), function(entry, seq, ms, found, fields)
  if not id then id, record, amendments = entry[1], entry[2][2], found end
  local is_new = tonumber(seq) > highest and ms >= joined_ms
  local sender = string.match(entry[2][2], '^%d+')
  if is_new and sender ~= user and sender ~= '0' then
    unread = unread + 1
    if does_mention(users_mentioned(entry, seq, found, fields), user) then mentions = mentions + 1 end
  end
  return is_new
end)
if is_cut then unread = -1 end
local read_by_other = other ~= '' and redis.call('HGET', read, other) or ''
amendments = with_details(details, amendments)
return {
  state[1], state[2], state[3], state[4], id, record, amendments, unread, read_by_other, state[5], joined, mentions
}
