-- Takes the next message of a room that an outgoing webhook has to deliver. A consumer group on the room's log knows how
-- far the webhook has come; its only pending entry is the message that is being delivered. `delivery.lua` describes its
-- consumer. Nothing is delivered while the maker of the webhook may not have one in the room.
--
-- KEYS  1 room   2 log   3 members   4 admins   5 amendments   6 details of amendments
-- ARGV  1 group   2 node   3 ms for which the message is this node's   4 time since which messages are delivered, ms
--       5 maker of the webhook, '' for the operator   6 1 if the maker is an administrator, who may in public rooms
-- Reply {'none'} · {'more'} (call again) · {'closed'} (the maker may not) · {'busy', ms until the message may be taken}
--       {'take', id, record, its amendments with details, number of the attempt}

local MOST_SKIPPED = 100

local room, log, members, admins, amended, details = unpack(KEYS)
local group, node, maker = ARGV[1], ARGV[2], ARGV[5]

local kind, owner = unpack(redis.call('HMGET', room, 'kind', 'owner'))
if not kind or kind == 'direct' or redis.call('EXISTS', log) == 0 then return {'none'} end
local is_permitted = maker == '' or is_leader(owner, admins, members, maker) or (kind == 'public' and ARGV[6] == '1')
if not is_permitted then return {'closed'} end

local now = math.floor(redis_clock())
local consumer = consumer_until(node, now + tonumber(ARGV[3]))

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
  local from = first_since(log, last_seq, tonumber(ARGV[4]))
  local before = from > last_seq and last and last[1] or integer(from - 1) .. '-18446744073709551615'
  redis.call('XGROUP', 'CREATE', log, group, before)
end

local function forget(name)
  redis.call('XGROUP', 'DELCONSUMER', log, group, name)
end

local state = state_of_group()
if not state then
  begin()
elseif state.pending == 0 and state.lag == 0 then
  if state.consumers > 0 then
    for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', log, group)) do forget(fields[2]) end
  end
  return {'none'}
end

local function take_pending(id, holder)
  local owner, ends = parse_consumer(holder)
  if owner ~= node and ends > now then return nil, ends - now end
  local entry = redis.call('XCLAIM', log, group, consumer, 0, id)[1]
  if not entry then redis.call('XACK', log, group, id) end -- trimmed meanwhile
  if holder ~= consumer then forget(holder) end
  return entry
end

for _ = 1, MOST_SKIPPED do
  local pending, entry, wait = redis.call('XPENDING', log, group, '-', '+', 1)[1], nil, nil
  local attempt = 1
  if pending then
    entry, wait = take_pending(pending[1], pending[2])
    if wait then return {'busy', wait} end
    attempt = pending[4] + 1
  else
    local read = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', log, '>')
    if not read then
      forget(consumer) -- which the reading has made
      return {'none'}
    end
    entry = read[1][2][1]
  end
  local record = entry and entry[2] and entry[2][2]
  if record and string.sub(record, 1, 2) ~= '0 ' then
    local amendments = with_details(details, amendments_of(amended, string.match(entry[1], '^%d+')))
    return {'take', entry[1], record, amendments, attempt}
  end
  if entry then redis.call('XACK', log, group, entry[1]) end -- a message of the server
end
forget(consumer)
return {'more'}
