-- Records that a member has read a run of messages, or all messages received up to one. Announces runs that were not
-- recorded before.
--
-- KEYS  1 room   2 members   3 delivered   4 read   5 live channel
-- ARGV  1 user   2 first seq (0: all received up to the last)   3 last seq   4 maximum members   5 maximum entries
--       6 lifetime in ms
-- Reply 1 · 0 when the room is too large for receipts · false when the user is no member

local room, members, delivered, read, live = unpack(KEYS)
local user, first, last = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if not redis.call('ZSCORE', members, user) then return false end
if redis.call('ZCARD', members) > tonumber(ARGV[4]) then return 0 end
local seq = tonumber(redis.call('HGET', room, 'seq')) or 0
last = math.min(last, seq)
local ms, floor = integer(room_time(0)), last - tonumber(ARGV[5])
local runs = redis.call('HGET', read, user) or ''
local new_runs = {}
local function record(a, b)
  local added
  runs, added = add_run(runs, a, b, ms, floor)
  for _, run in ipairs(added) do new_runs[#new_runs + 1] = run end
end
if first > 0 then
  record(first, last)
else
  for a, b in string.gmatch(redis.call('HGET', delivered, user) or '', '(%d+)%-(%d+)') do
    if tonumber(a) <= last then record(tonumber(a), math.min(tonumber(b), last)) end
  end
  record(last, last)
end
if #new_runs > 0 then
  redis.call('HSET', read, user, runs)
  redis.call('PEXPIRE', read, ARGV[6])
  for _, run in ipairs(new_runs) do
    publish(live, 'r ' .. user .. ' ' .. run .. ' ' .. ms)
  end
end
return 1
