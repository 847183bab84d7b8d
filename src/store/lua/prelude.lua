-- Shared by the scripts that write to a room. Put in front of each of them.
--
-- Numbers are passed through string.format: Lua would print a time in milliseconds as 1.7e+12.

local function integer(number)
  return string.format('%.0f', number)
end

-- Time of Redis in milliseconds, but never before `last`: time in a room does not go back.
local function room_time(last)
  local time = redis.call('TIME')
  return math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(last) or 0)
end

-- Drops what is older than the retention from the head of the log, and the tombstones of what is gone.
-- Entries' first halves count up and their second halves (the times) never fall, so the boundary is
-- found by bisection.
local function drop_expired(log, gone, last_seq, oldest_ms)
  local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not head then return end
  local low, high = tonumber(string.match(head[1], '^%d+')), last_seq + 1
  local first = low
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('XRANGE', log, integer(middle), integer(middle))[1]
    if entry and tonumber(string.match(entry[1], '%d+$')) < oldest_ms then
      low = middle + 1
    else
      high = middle
    end
  end
  if low > first then redis.call('XTRIM', log, 'MINID', integer(low)) end
  for _, seq in ipairs(redis.call('HKEYS', gone)) do
    if tonumber(seq) < low then redis.call('HDEL', gone, seq) end
  end
end

-- Appends one entry and announces it. Returns its id.
local function append(log, live, seq, ms, record, max_len)
  local id = integer(seq) .. '-' .. integer(ms)
  redis.call('XADD', log, 'MAXLEN', '=', max_len, id, 'm', record)
  redis.call('PUBLISH', live, 'm ' .. id .. ' ' .. record)
  return id
end

-- Notes how far the room has come. What need not be done for each message (expiry of the keys, trimming
-- by age) is done when the last time was `sweep_ms` ago.
local function advance(room, log, gone, seq, ms, swept, retention_ms, sweep_ms)
  if ms - (tonumber(swept) or 0) < tonumber(sweep_ms) then
    redis.call('HSET', room, 'seq', integer(seq), 'ms', integer(ms))
    return
  end
  redis.call('HSET', room, 'seq', integer(seq), 'ms', integer(ms), 'swept', integer(ms))
  drop_expired(log, gone, seq, ms - tonumber(retention_ms))
  -- One sweep longer than the retention, because expiry is renewed at sweeps only.
  local lifetime = integer(tonumber(retention_ms) + 2 * tonumber(sweep_ms))
  redis.call('PEXPIRE', log, lifetime)
  redis.call('PEXPIRE', gone, lifetime)
end

