-- Replaces the text of a message by its sender: an amendment. Counts as a message of the sender.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 details of amendments   6 live channel   7 rate of the user here
--       8 admins
-- ARGV  1 user   2 seq   3 ms between messages   4 ms of burst   5 maximum entries   6 new text
--       7 ms after which a message cannot be edited
--       8… whom the new text may mention: place, user (0 for all members), name as JSON, …
-- Reply {'amended'} · {'already'} (it has this text) · {'no_room'} · {'no_message'} · {'forbidden'} · {'not_editable'}
--       {'too_late'} · {'blocked'} · {'limited', ms to wait}

local room, log, members, amended, details, live, rate, admins = unpack(KEYS)
local user, seq, new_text = ARGV[1], ARGV[2], ARGV[6]
local state = redis.call('HMGET', room, 'kind', 'blocked:' .. user)
if not known_kind(state[1], members, user) then return {'no_room'} end
local entry = redis.call('XRANGE', log, seq, seq)[1]
if not entry or is_deleted(amended, seq) then return {'no_message'} end
local id, whole = entry[1], entry[2][2]
local sender, record = string.match(whole, '^(%d+) (.*)$')
-- Users who have left a public room, or were removed from it, cannot edit there.
if sender ~= user or not redis.call('ZSCORE', members, user) then return {'forbidden'} end
record = cjson.decode(record)
if record.k ~= 't' or record.f or record.fw then return {'not_editable'} end
local clock = redis_clock()
if clock - tonumber(string.match(id, '%d+$')) > tonumber(ARGV[7]) then return {'too_late'} end
if state[2] then return {'blocked'} end
local field = seq .. ':e'
local edited = redis.call('HGET', amended, field)
local text = edited and redis.call('HGET', details, field) or record.t
if text == new_text then return {'already'} end
local wait = admit(rate, ARGV[3], ARGV[4], clock)
if wait > 0 then return {'limited', wait} end
-- Later than the edit before, so that nodes know which of two is the last.
local before = edited and tonumber(string.match(edited, '^%d+')) or 0
local ms = integer(math.max(math.floor(clock), before + 1))
local edit = {field = field, value = ms .. ' ' .. user, verb = 'e', announced = user .. ' ' .. ms .. ' ' .. new_text}
edit.details = new_text
amend(room, log, amended, details, live, ARGV[5], id, edit)

-- Whom it mentions is an amendment of its own, because nodes of the version before read the announcement of an edit to its
-- end as the text.
local users, names = find_mentions({unpack(ARGV, 8)}, room, admins, members, user)
local now, change = '{' .. mentions_as_json(users, names), {field = seq .. ':m', verb = 'n'}
local known = redis.call('HGET', amended, change.field)
local before = known and users_of_change(known) or mentioned_users(whole)
local lists = known and redis.call('HGET', details, change.field) or mentions_in(whole)
if now ~= lists then
  change.value = ms .. ' ' .. user .. ' ' .. table.concat(users, ',')
  local told = '{"by":' .. cjson.encode(record.n) .. ',"was":[' .. before .. '],"now":' .. now .. '}'
  change.announced, change.details = user .. ' ' .. ms .. ' ' .. told, now
  amend(room, log, amended, details, live, ARGV[5], id, change)
end
return {'amended'}
