-- Adds or removes a reaction of a member to a message: an amendment. Counts as a message of the member.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 details of amendments   6 live channel   7 rate of the user here
--       8 admins
-- ARGV  1 user   2 seq   3 ms between messages   4 ms of burst   5 maximum entries   6 emoji   7 '1' to add, '0' to remove
--       8 maximum kinds of reactions   9 maximum reactions to a message
-- Reply {'amended'} · {'already'} (it is as wanted) · {'no_room'} · {'no_message'} · {'forbidden'} · {'blocked'}
--       {'full'} · {'limited', ms to wait}
--
-- Details: a line for each kind, `<emoji> <user>,<user>`, in the order in which they were first used.

local room, log, members, amended, details, live, rate = unpack(KEYS)
local user, seq, emoji, is_on = ARGV[1], ARGV[2], ARGV[6], ARGV[7] == '1'
local state = redis.call('HMGET', room, 'kind', 'blocked:' .. user)
if not known_kind(state[1], members, user) then return {'no_room'} end
local entry = redis.call('XRANGE', log, seq, seq)[1]
if not entry or is_deleted(amended, seq) then return {'no_message'} end
if not redis.call('ZSCORE', members, user) then return {'forbidden'} end
if state[2] then return {'blocked'} end

local field = seq .. ':r'
local lines, kinds, total, had, is_kind = {}, 0, 0, false, false
for kind, users in string.gmatch(redis.call('HGET', details, field) or '', '([^ \n]+) ([^\n]+)') do
  local kept = {}
  for other in string.gmatch(users, '%d+') do
    total = total + 1
    if kind == emoji and other == user then had = true else kept[#kept + 1] = other end
  end
  if kind == emoji then
    is_kind = true
    if is_on then kept[#kept + 1] = user end
  end
  kinds = kinds + 1
  if #kept > 0 then lines[#lines + 1] = kind .. ' ' .. table.concat(kept, ',') end
end
if had == is_on then return {'already'} end
if is_on and not is_kind then
  if kinds >= tonumber(ARGV[8]) then return {'full'} end
  lines[#lines + 1] = emoji .. ' ' .. user
end
if is_on and total >= tonumber(ARGV[9]) then return {'full'} end
local clock = redis_clock()
local wait = admit(rate, ARGV[3], ARGV[4], clock)
if wait > 0 then return {'limited', wait} end
-- Later than the change before, so that nodes know which of two is the last.
local before = tonumber(string.match(redis.call('HGET', amended, field) or '0', '^%d+'))
local ms = integer(math.max(math.floor(clock), before + 1))
amend(room, log, amended, details, live, ARGV[5], entry[1], {
  field = field,
  value = ms .. ' ' .. user,
  verb = 'a',
  announced = table.concat({user, ms, ARGV[7], emoji}, ' '),
  details = table.concat(lines, '\n'),
})
return {'amended'}
