-- Reserves a place in a user's list of rooms for a room of which the user is about to become a member, unless the list is
-- full. Counts the rooms that a user creates.
--
-- KEYS  1 list of rooms   2 pending rooms   3 rooms created today   4 account
-- ARGV  1 room   2 record of the attempt, `room:attempt`   3 time in ms   4 maximum rooms (0 for no limit)
--       5 maximum rooms created a day (0 for no limit, or when the user does not create this one)
-- Reply {'reserved', whether the user is an application or a webhook} · {'full'} · {'limited', ms to wait}

local DAY_MS = 24 * 60 * 60 * 1000

local list, pending, made, account = unpack(KEYS)
local room, max_rooms, max_made = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])

-- Returns the number of attempts to join rooms that the list lacks. Records without an attempt are of rooms that were
-- listed.
local function reserved()
  local rooms, count = {[room] = true}, 0
  for _, note in ipairs(redis.call('ZRANGE', pending, 0, -1)) do
    local other = string.match(note, '^(%d+):')
    if other and not rooms[other] then
      rooms[other] = true
      if not redis.call('ZSCORE', list, other) then count = count + 1 end
    end
  end
  return count
end

if max_rooms > 0 and not redis.call('ZSCORE', list, room) then
  local listed = redis.call('ZCARD', list)
  local is_near = listed + redis.call('ZCARD', pending) >= max_rooms
  if is_near and (listed >= max_rooms or listed + reserved() >= max_rooms) then return {'full'} end
end
if max_made > 0 then
  local count = tonumber(redis.call('GET', made)) or 0
  if count >= max_made then return {'limited', redis.call('PTTL', made)} end
  redis.call('INCR', made)
  if count == 0 then redis.call('PEXPIRE', made, DAY_MS) end
end
redis.call('ZADD', pending, ARGV[3], ARGV[2])
return {'reserved', redis.call('HEXISTS', account, 'bot')}
