-- Creates a room with its first members and the system message of its creation, unless its number is in use: by a room,
-- or by the remains of one. Number 1 is the global room, which is created again with the members that it has.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 live channel   6 details of amendments
-- ARGV  1 number   2 kind   3 name   4 description   5 avatar   6 owner   7 pair of a direct room (`3:7`)
--       8 record of the system message ('' for none)   9 maximum entries   10 retention ms   11 sweep ms   12… members
-- Reply the time of creation in ms, or 'exists'

local room, log, members, amended, live, details = unpack(KEYS)
local ms = room_time(0)
local left = ARGV[1] ~= '1' and redis.call('EXISTS', log, members) or 0
if redis.call('EXISTS', room) + left > 0 then return 'exists' end
redis.call('HSET', room, 'kind', ARGV[2], 'number', ARGV[1], 'name', ARGV[3], 'description', ARGV[4], 'avatar', ARGV[5],
  'owner', ARGV[6], 'pair', ARGV[7], 'created', integer(ms), 'seq', 0, 'ms', integer(ms), 'gone', 0)
for i = 12, #ARGV do
  redis.call('ZADD', members, integer(ms), ARGV[i])
end
if ARGV[8] ~= '' then
  append(log, live, 1, ms, ARGV[8], ARGV[9])
  advance(room, log, amended, details, 1, ms, false, ARGV[10], ARGV[11])
end
return integer(ms)
