-- Stores a message and announces it, after joining the sender to a public room. All checks precede the first write.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 live channel (the room again when announce_messages.lua follows)
--       6 rate of the sender here   7 users who were removed from the room
--       8 time of the sender's latest message while the room is in slow mode   9 admins   10 details of amendments
--       Only when there is a client id:
--       11 result of an earlier send with it, as text (the room again when it is not kept so)
--       12, 13 hashes of client ids (the room again when it is not kept there)
-- ARGV  1 sender   2 record   3 record of the notice that the sender joined ('' where everyone is a member)
--       4 entry id of the message replied to ('' for none)   5 body hash ('' when there is no client id)
--       6 lifetime of a client id in ms   7 ms between messages (0 for no limit; may have a fraction)
--       8 ms of burst   9 maximum entries   10 retention ms   11 sweep ms
--       12 seq and 13 ms of the last message that the node has seen in the room (0 for none)
--       14 by what right it is sent: 'member'; 'joining' when the sender may join, because that is recorded with the sender as
--       pending, or 'joining bot' if it is no person; 'hook' when a webhook of the room sends, which is no member and
--       becomes none
--       15 field of the client id in the hashes ('' when it is not kept there)
--       16… whom the text may mention: place, user (0 for all members), name as JSON, …
-- Reply {'stored', id, joined 0|1}, and in a direct room or with mentions also
--        {…, numbers from 1 of those of ARGV 16… whom it mentions, kind of the room, users of a direct room, else its name}
--       {'join'} (the sender must join, which ARGV 14 does not allow)
--       {'replay', id, record or false, its amendments with details, first seq since the sender joined (0: no member of a public
--        room), kind of the room, users of a direct room, else its name}
--       {'conflict'} · {'no_room'} · {'blocked'} · {'no_reply'} · {'removed'} (the sender may not join)
--       {'limited', ms to wait} · {'slow', ms to wait} (the room is in slow mode)
--
-- Ids that clients assign: two hashes of a room take turns. New ids go to the current one. Once it has been in use for a
-- lifetime, the other one is emptied and becomes current, so an id is remembered for one to two lifetimes. The room's field
-- `ids` is the time since which the current hash is in use, in ms, even for KEYS 12 and odd for KEYS 13. A field of the
-- hashes is a digest of sender and id, its value seq and ms of the message and the beginning of the body's hash. HSETNX
-- looks an id up and remembers it in one call; it comes after all checks, because a refused message writes nothing.

local ID_VALUE = '>I4I6c6'

local room, log, members, amended, live, rate, removed, slow, admins, details, sent = unpack(KEYS)
local sender, record, join_record, reply_to, hash = unpack(ARGV, 1, 5)
local lifetime, interval, burst, max_len, retention_ms, sweep_ms = unpack(ARGV, 6, 11)
local seen, right, field = tonumber(ARGV[12]), ARGV[14], ARGV[15]
if live == room then live = nil end

local state = redis.call('HMGET', room, 'kind', 'seq', 'ms', 'swept', 'ids', 'slow', 'pair', 'blocked:' .. sender)
local is_by_hook = right == 'hook'
local kind = is_by_hook and state[1] ~= 'direct' and state[1] or known_kind(state[1], members, sender)
if not kind then return {'no_room'} end
-- The users of a direct room, else its name.
local function users_or_name() return kind == 'direct' and state[7] or redis.call('HGET', room, 'name') or '' end

-- The other user of a direct room blocks the sender.
local refusal = state[8] and {'blocked'}
if reply_to ~= '' then
  local exists = redis.call('XRANGE', log, reply_to, reply_to)[1]
  if not exists or is_deleted(amended, string.match(reply_to, '^%d+')) then refusal = refusal or {'no_reply'} end
end
if is_by_hook and redis.call('ZSCORE', removed, sender) then refusal = refusal or {'removed'} end
local joins = join_record ~= '' and kind == 'public'
local may_join = right == 'joining' or right == 'joining bot'
if joins and (may_join or not redis.call('ZSCORE', members, sender)) then
  if redis.call('ZSCORE', removed, sender) then
    refusal = refusal or {'removed'}
  elseif not may_join then
    refusal = refusal or {'join'}
  end
else
  joins = false
end
local clock = redis_clock()
local wait, arrival = check_rate(rate, interval, burst, clock)
if wait > 0 then refusal = refusal or {'limited', wait} end
local slow_ms = (tonumber(state[6]) or 0) * 1000
local is_slow = slow_ms > 0 and not leads(room, admins, members, sender)
if is_slow then
  local pause = math.min((tonumber(redis.call('GET', slow)) or -slow_ms) + slow_ms - clock, slow_ms)
  if pause > 0 then refusal = refusal or {'slow', math.ceil(pause)} end
end

local last, ms = tonumber(state[2]) or 0, math.max(math.floor(clock), tonumber(state[3]) or 0)
if seen > last then
  -- Redis has lost messages that were delivered. As in raise_seq.lua, their ids are not given again.
  last, ms = seen + 1, math.max(ms, tonumber(ARGV[13]))
end
local seq = last + 1

local ids, next_ids, is_noted
if hash ~= '' then
  local found, id, body
  if field ~= '' then
    local since = tonumber(state[5]) or 0
    local current, other = KEYS[12 + since % 2], KEYS[13 - since % 2]
    if ms - since >= tonumber(lifetime) then
      found, next_ids = redis.call('HGET', current, field), other
    else
      found, ids = redis.call('HGET', other, field), current
    end
  end
  if not found and sent ~= room then
    id, body = string.match(redis.call('GET', sent) or '', '^(%S+) (%S+)$')
  end
  if ids and not found and not id then
    is_noted = not refusal and redis.call('HSETNX', ids, field, struct.pack(ID_VALUE, seq, ms, hash)) == 1
    if not is_noted then found = redis.call('HGET', ids, field) end
  end
  if found then
    local found_seq, found_ms
    found_seq, found_ms, body = struct.unpack(ID_VALUE, found)
    id = integer(found_seq) .. '-' .. integer(found_ms)
  end
  if id then
    if body ~= string.sub(hash, 1, #body) then return {'conflict'} end
    local entry = redis.call('XRANGE', log, id, id)[1]
    local since = join_record ~= '' and kind == 'public' and redis.call('ZSCORE', members, sender)
    since = since and first_since(log, tonumber(state[2]), tonumber(since)) or 0
    local amendments = with_details(details, amendments_of(amended, string.match(id, '^%d+')))
    return {'replay', id, entry and entry[2][2] or false, amendments, since, kind, users_or_name()}
  end
end
if refusal then return refusal end

local mentioned = {}
if #ARGV > 15 then
  record, mentioned = add_mentions(record, {unpack(ARGV, 16)}, room, admins, members, sender)
end
note_arrival(rate, arrival, clock)
if is_slow then redis.call('SET', slow, integer(clock), 'PX', slow_ms) end
local joined = 0
if joins then
  joined = redis.call('ZADD', members, 'NX', integer(ms), sender)
  if joined == 1 then
    if right == 'joining bot' then note_bot(room, sender) end
    append(log, live, seq, ms, join_record, max_len)
    seq, is_noted = seq + 1, false
  end
end
local id = append(log, live, seq, ms, record, max_len)
advance(room, log, amended, details, seq, ms, state[4], retention_ms, sweep_ms)
if next_ids then
  redis.call('UNLINK', next_ids)
  redis.call('HSET', next_ids, field, struct.pack(ID_VALUE, seq, ms, hash))
  redis.call('PEXPIRE', next_ids, 2 * tonumber(lifetime))
  redis.call('HSET', room, 'ids', integer(ms - ms % 2 + (next_ids == KEYS[13] and 1 or 0)))
elseif ids and not is_noted then
  redis.call('HSET', ids, field, struct.pack(ID_VALUE, seq, ms, hash))
end
if hash ~= '' and sent ~= room then redis.call('SET', sent, id .. ' ' .. hash, 'PX', lifetime) end
if kind ~= 'direct' and #mentioned == 0 then return {'stored', id, joined} end
return {'stored', id, joined, mentioned, kind, users_or_name()}
