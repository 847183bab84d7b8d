-- Functions of the scripts that write to a room. Prepended to each of them.

-- Prints a whole number. Lua itself would print a time in milliseconds as 1.7e+12; `%.0f` takes five times as long.
local function integer(number)
  return string.format('%d', number)
end

-- Returns the time of Redis in milliseconds, with a fraction.
local function redis_clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + time[2] / 1000
end

-- Returns the time of Redis in whole milliseconds, or `last` if that is later: time in a room never goes back.
local function room_time(last)
  return math.max(math.floor(redis_clock()), tonumber(last) or 0)
end

-- Limits a rate by GCRA: a message is admitted when its theoretical arrival time is at most one burst ahead. Returns 0 and
-- the next arrival time, which note_arrival writes, or the ms to wait, at most one interval. An interval of 0 ms disables
-- the limit.
local function check_rate(rate, interval, burst, clock)
  interval = tonumber(interval)
  if interval <= 0 then return 0 end
  burst = tonumber(burst)
  local arrival = math.max(tonumber(redis.call('GET', rate)) or 0, clock)
  -- No admitted message leaves a later arrival. The clock was set back since: the burst counts as just used up.
  if arrival > clock + burst + interval then arrival = clock + burst end
  local wait = arrival - clock - burst
  if wait > 0 then return math.ceil(wait) end
  return 0, arrival + interval
end

local function note_arrival(rate, arrival, clock)
  if arrival then redis.call('SET', rate, string.format('%.3f', arrival), 'PX', math.ceil(arrival - clock)) end
end

-- Checks a rate and records the arrival of an admitted message. Returns 0, or the ms to wait.
local function admit(rate, interval, burst, clock)
  local wait, arrival = check_rate(rate, interval, burst, clock)
  note_arrival(rate, arrival, clock)
  return wait
end

-- Drops the amendments of entries before `first`, and their details. Fields of all kinds begin with a seq.
local function drop_amendments(amended, details, first)
  for _, hash in ipairs({amended, details}) do
    local stale = {}
    for _, field in ipairs(redis.call('HKEYS', hash)) do
      local seq = tonumber(string.match(field, '^%d+'))
      if seq and seq < first then stale[#stale + 1] = field end
    end
    for i = 1, #stale, 1000 do
      redis.call('HDEL', hash, unpack(stale, i, math.min(i + 999, #stale)))
    end
  end
end

-- Returns the seq of the first entry that is not older than `ms`, or `last_seq` + 1. Both halves of entry ids, seq and
-- time, never decrease, so bisection finds it. The second value is the seq of the first entry; false in an empty log.
local function first_since(log, last_seq, ms)
  local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not head then return last_seq + 1, false end
  local first = tonumber(string.match(head[1], '^%d+'))
  local low, high = first, last_seq + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('XRANGE', log, integer(middle), integer(middle))[1]
    if entry and tonumber(string.match(entry[1], '%d+$')) < ms then
      low = middle + 1
    else
      high = middle
    end
  end
  return low, first
end

-- Drops entries older than the retention from the head of the log, and their amendments.
local function drop_expired(log, amended, details, last_seq, oldest_ms)
  local kept, first = first_since(log, last_seq, oldest_ms)
  if not first then return end
  if kept > first then redis.call('XTRIM', log, 'MINID', integer(kept)) end
  drop_amendments(amended, details, kept)
end

-- Publishes to a channel. The channels of a cluster end in `:shard`, and belong to the slot of their name.
local function publish(channel, text)
  redis.call(string.sub(channel, -6) == ':shard' and 'SPUBLISH' or 'PUBLISH', channel, text)
end

local function announce(live, id, record)
  publish(live, 'm ' .. id .. ' ' .. record)
end

-- Appends one entry and announces it if there is a channel. Returns its id.
local function append(log, live, seq, ms, record, max_len)
  local id = integer(seq) .. '-' .. integer(ms)
  redis.call('XADD', log, 'MAXLEN', '=', max_len, id, 'm', record)
  if live then announce(live, id, record) end
  return id
end

-- Records the last seq and time of a room. Renews the expiry of the log if a second has passed since the last renewal, at
-- `renewed`: then no message expires more than a second before its time, and most messages cost nothing. The first
-- renewal in each period of `sweep_ms` also trims by age.
local function advance(room, log, amended, details, seq, ms, renewed, retention_ms, sweep_ms)
  renewed, sweep_ms = tonumber(renewed) or 0, tonumber(sweep_ms)
  local ms_text = integer(ms)
  if ms - renewed < math.min(1000, sweep_ms) then
    redis.call('HSET', room, 'seq', integer(seq), 'ms', ms_text)
    return
  end
  redis.call('HSET', room, 'seq', integer(seq), 'ms', ms_text, 'swept', ms_text)
  redis.call('PEXPIRE', log, retention_ms)
  if math.floor(ms / sweep_ms) == math.floor(renewed / sweep_ms) then return end
  drop_expired(log, amended, details, seq, ms - tonumber(retention_ms))
  -- Longer than the log, so that no deleted message outlives its deletion, because only sweeps renew it.
  local lifetime = integer(tonumber(retention_ms) + 2 * sweep_ms)
  redis.call('PEXPIRE', amended, lifetime)
  redis.call('PEXPIRE', details, lifetime)
end

-- Returns the kind of a room that a user may know of, or false. It runs the same commands for a room that does not exist and
-- for a closed room of others, so that nobody learns from the time of a refusal which rooms exist.
local function known_kind(kind, members, user)
  if kind == 'public' or redis.call('ZSCORE', members, user) then return kind end
  return false
end

-- Notes in a room that a member is no person: an application or a webhook, which reads nothing and inherits nothing.
local function note_bot(room, user)
  local bots = redis.call('HGET', room, 'bots') or ''
  if not string.find(',' .. bots .. ',', ',' .. user .. ',', 1, true) then
    redis.call('HSET', room, 'bots', bots == '' and user or bots .. ',' .. user)
  end
end

-- Returns whether a user is owner or admin of a room. Only members are: the owner of a public room who left it has no power
-- there until they come back.
local function is_leader(owner, admins, members, user)
  local has_role = owner == user or redis.call('SISMEMBER', admins, user) == 1
  return has_role and redis.call('ZSCORE', members, user) and true or false
end

-- The same for a room whose owner has not been read.
local function leads(room, admins, members, user)
  return is_leader(redis.call('HGET', room, 'owner'), admins, members, user)
end
