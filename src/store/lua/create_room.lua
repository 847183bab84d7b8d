-- Makes a room with its first members and the message that says so.
--
-- KEYS  1 room   2 log   3 members   4 gone   5 live channel
-- ARGV  1 number   2 kind   3 name   4 description   5 owner   6 record of the making ('' for none)
--       7 most entries   8 retention ms   9 sweep ms   10… members
-- Reply 'created' | 'exists'

local room, log, members, gone, live = unpack(KEYS)
local ms = room_time(0)
local is_new = redis.call('HSETNX', room, 'kind', ARGV[2])
if is_new == 0 then return 'exists' end
redis.call('HSET', room, 'number', ARGV[1], 'name', ARGV[3], 'description', ARGV[4], 'owner', ARGV[5],
  'created', integer(ms), 'seq', 0, 'ms', integer(ms), 'gone', 0)
for i = 10, #ARGV do
  redis.call('ZADD', members, integer(ms), ARGV[i])
end
if ARGV[6] ~= '' then
  append(log, live, 1, ms, ARGV[6], ARGV[7])
  advance(room, log, gone, 1, ms, false, ARGV[8], ARGV[9])
end
return 'created'
