-- Stores a message and announces it, after joining the sender to a public room. All checks precede the first write.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 live channel   6 rate of the sender here
--       7 result of an earlier send with this client id (the room again when there is no client id)
-- ARGV  1 sender   2 record   3 record of the notice that the sender joined ('' where everyone is a member)
--       4 entry id of the message replied to ('' for none)   5 body hash ('' when there is no client id)
--       6 lifetime of a client id in ms   7 ms between messages (0 for no limit; may have a fraction)
--       8 ms of burst   9 maximum entries   10 retention ms   11 sweep ms
--       12 seq and 13 ms of the last message that the node has seen in the room (0 for none)
--       14 1 when the sender may join, because that is recorded with the sender as pending; else 0
-- Reply {'stored', id, joined 0|1} · {'join'} (the sender must join, which ARGV 14 does not allow)
--       {'replay', id, record or false, its amendments, first seq since the sender joined (0: no member of a public room)}
--       {'conflict'} · {'no_room'} · {'no_reply'} · {'limited', ms to wait}

local room, log, members, amended, live, rate, sent = unpack(KEYS)
local sender, record, join_record, reply_to, hash = unpack(ARGV, 1, 5)
local interval, max_len, retention_ms, sweep_ms = ARGV[7], ARGV[9], ARGV[10], ARGV[11]

local state = redis.call('HMGET', room, 'kind', 'seq', 'ms', 'swept')
local kind = state[1]
if not kind then return {'no_room'} end
if kind ~= 'public' and not redis.call('ZSCORE', members, sender) then return {'no_room'} end

if hash ~= '' then
  local before = redis.call('GET', sent)
  if before then
    local id, same = string.match(before, '^(%S+) (%S+)$')
    if same ~= hash then return {'conflict'} end
    local entry = redis.call('XRANGE', log, id, id)[1]
    local since = join_record ~= '' and kind == 'public' and redis.call('ZSCORE', members, sender)
    since = since and first_since(log, tonumber(state[2]), tonumber(since)) or 0
    return {'replay', id, entry and entry[2][2] or false, amendments_of(amended, string.match(id, '^%d+')), since}
  end
end

if reply_to ~= '' then
  local exists = redis.call('XRANGE', log, reply_to, reply_to)[1]
  if not exists or is_deleted(amended, string.match(reply_to, '^%d+')) then return {'no_reply'} end
end

local joins = join_record ~= '' and kind == 'public'
if joins and ARGV[14] == '0' then
  if not redis.call('ZSCORE', members, sender) then return {'join'} end
  joins = false
end

local clock = redis_clock()
local wait = admit(rate, interval, ARGV[8], clock)
if wait > 0 then return {'limited', wait} end

local last, seen = tonumber(state[2]) or 0, tonumber(ARGV[12])
local ms = math.max(math.floor(clock), tonumber(state[3]) or 0)
if seen > last then
  -- Redis has lost messages that were delivered. As in raise_seq.lua, their ids are not given again.
  last, ms = seen + 1, math.max(ms, tonumber(ARGV[13]))
end
local seq = last + 1
local joined = 0
if joins then
  joined = redis.call('ZADD', members, 'NX', integer(ms), sender)
  if joined == 1 then
    append(log, live, seq, ms, join_record, max_len)
    seq = seq + 1
  end
end
local id = append(log, live, seq, ms, record, max_len)
advance(room, log, amended, seq, ms, state[4], retention_ms, sweep_ms)
if hash ~= '' then redis.call('SET', sent, id .. ' ' .. hash, 'PX', ARGV[6]) end
return {'stored', id, joined}
