-- Takes the next message of a room that an outgoing webhook has to deliver. A consumer group on the room's log knows how
-- far the webhook has come; its only pending entry is the message that is being delivered, its consumer the node that does.
-- Nobody else takes that entry before its lease and the pause after a failed attempt are over.
--
-- KEYS  1 room   2 log   3 amendments   4 details of amendments
-- ARGV  1 group   2 node   3 entry that was delivered ('' for none)   4 lease ms   5 first and 6 longest pause between
--       attempts, ms   7 time since which messages are delivered, ms
-- Reply {'none'} · {'more'} (call again) · {'busy', ms until the message may be taken from another node}
--       {'take', id, record, its amendments with details, number of the attempt}

local MOST_SKIPPED = 100

local room, log, amended, details = unpack(KEYS)
local group, node, done = unpack(ARGV, 1, 3)

local kind = redis.call('HGET', room, 'kind')
if not kind or kind == 'direct' or redis.call('EXISTS', log) == 0 then return {'none'} end
if done ~= '' then redis.call('XACK', log, group, done) end

local function state_of_group()
  for _, fields in ipairs(redis.call('XINFO', 'GROUPS', log)) do
    local state = {}
    for i = 1, #fields, 2 do state[fields[i]] = fields[i + 1] end
    if state.name == group then return state end
  end
end

local function begin()
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  local last_seq = last and tonumber(string.match(last[1], '^%d+')) or 0
  local from = first_since(log, last_seq, tonumber(ARGV[7]))
  local before = from > last_seq and last and last[1] or integer(from - 1) .. '-18446744073709551615'
  redis.call('XGROUP', 'CREATE', log, group, before)
end

local state = state_of_group()
if not state then
  begin()
elseif state.pending == 0 and state.lag == 0 then
  if state.consumers > 0 then
    for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', log, group)) do
      redis.call('XGROUP', 'DELCONSUMER', log, group, fields[2])
    end
  end
  return {'none'}
end

local function take_pending(id, owner, idle, attempts)
  if owner ~= node then
    local pause = math.min(tonumber(ARGV[5]) * 2 ^ (attempts - 1), tonumber(ARGV[6]))
    local wait = tonumber(ARGV[4]) + pause - idle
    if wait > 0 then return nil, math.ceil(wait) end
  end
  local entry = redis.call('XCLAIM', log, group, node, 0, id)[1]
  if not entry then redis.call('XACK', log, group, id) end -- trimmed meanwhile
  return entry
end

for _ = 1, MOST_SKIPPED do
  local pending, entry, wait = redis.call('XPENDING', log, group, '-', '+', 1)[1], nil, nil
  local attempt = 1
  if pending then
    entry, wait = take_pending(unpack(pending))
    if wait then return {'busy', wait} end
    attempt = pending[4] + 1
  else
    local read = redis.call('XREADGROUP', 'GROUP', group, node, 'COUNT', 1, 'STREAMS', log, '>')
    if not read then return {'none'} end
    entry = read[1][2][1]
  end
  local record = entry and entry[2] and entry[2][2]
  if record and string.sub(record, 1, 2) ~= '0 ' then
    local amendments = with_details(details, amendments_of(amended, string.match(entry[1], '^%d+')))
    return {'take', entry[1], record, amendments, attempt}
  end
  if entry then redis.call('XACK', log, group, entry[1]) end -- a message of the server
end
return {'more'}
