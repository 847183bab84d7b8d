-- Pins a message to its room or unpins it: an amendment. The owner and admins may, in a direct room both users. Counts
-- as a message of the user.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 details of amendments   6 live channel   7 rate of the user here
--       8 admins
-- ARGV  1 user   2 seq   3 ms between messages   4 ms of burst   5 maximum entries   6 '1' to pin, '0' to unpin
--       7 most pinned messages
-- Reply {'amended'} · {'already'} (it is as wanted) · {'no_room'} · {'no_message'} · {'forbidden'} · {'blocked'} · {'full'}
--       {'limited', ms to wait}

local room, log, members, amended, details, live, rate, admins = unpack(KEYS)
local user, seq, is_on = ARGV[1], ARGV[2], ARGV[6]
local state = redis.call('HMGET', room, 'kind', 'blocked:' .. user, 'owner')
local kind = known_kind(state[1], members, user)
if not kind then return {'no_room'} end
local entry = redis.call('XRANGE', log, seq, seq)[1]
if not entry or is_deleted(amended, seq) then return {'no_message'} end
if kind ~= 'direct' and not is_leader(state[3], admins, members, user) then return {'forbidden'} end
if state[2] then return {'blocked'} end

local field = seq .. ':p'
local before = redis.call('HGET', amended, field)
local before_ms, was_on = string.match(before or '0 0 0', '^(%d+) %d+ ([01])$')
if was_on == is_on then return {'already'} end
if is_on == '1' and #pinned_seqs(log, amended) >= tonumber(ARGV[7]) then return {'full'} end
local clock = redis_clock()
local wait = admit(rate, ARGV[3], ARGV[4], clock)
if wait > 0 then return {'limited', wait} end
-- Later than the change before, so that nodes know which of two is the last.
local ms = integer(math.max(math.floor(clock), tonumber(before_ms) + 1))
amend(room, log, amended, details, live, ARGV[5], entry[1], {
  field = field,
  value = table.concat({ms, user, is_on}, ' '),
  verb = 'p',
  announced = table.concat({user, ms, is_on}, ' '),
})
return {'amended'}
