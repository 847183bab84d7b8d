-- What a user's own list shows of one of their rooms. Reads only.
--
-- KEYS  1 room   2 log   3 members   4 deleted   5 read
-- ARGV  1 user   2 highest seq that they have read   3 entries older than this ms do not count
--       4 the other user of a direct room ('' for none)
-- Reply {kind, name, pair, ms of the last change, entry id, record, unread, runs read by the other}
--       (id and record false when there is no message), or false when the user is no member

local room, log, members, deleted, read = unpack(KEYS)
local user, highest, oldest, other = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local state = redis.call('HMGET', room, 'kind', 'name', 'pair', 'ms')
local joined = redis.call('ZSCORE', members, user)
if not state[1] or not joined then return false end

local id, record, unread = false, false, 0
-- Few rooms have any: asked for at once, and not for each entry.
local hidden = {}
for _, seq in ipairs(redis.call('HKEYS', deleted)) do hidden[seq] = true end

-- Takes an entry, from the newest back. Returns whether older ones matter, too.
local function take(entry)
  local seq, ms = string.match(entry[1], '^(%d+)-(%d+)$')
  local is_new = tonumber(seq) > highest and tonumber(ms) >= tonumber(joined)
  if tonumber(ms) < oldest or (id and not is_new) then return false end
  if not hidden[seq] then
    local sender = string.match(entry[2][2], '^%d+')
    if not id then id, record = entry[1], entry[2][2] end
    if is_new and sender ~= user and sender ~= '0' then unread = unread + 1 end
  end
  return is_new or not id
end

local function scan()
  local last, step = '+', 1
  while true do
    local entries = redis.call('XREVRANGE', log, last, '-', 'COUNT', step)
    for _, entry in ipairs(entries) do
      if not take(entry) then return end
      last = '(' .. entry[1]
    end
    if #entries < step then return end
    step = 50
  end
end

scan()
local read_by_other = other ~= '' and redis.call('HGET', read, other) or ''
return {state[1], state[2], state[3], state[4], id, record, unread, read_by_other}
