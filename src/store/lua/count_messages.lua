-- Adds to a day's counter what a node has counted since its last report. The node reports its total of the day, so that
-- a report whose answer was lost may be repeated.
--
-- KEYS  1 counter of the day   2 totals of the nodes
-- ARGV  1 node   2 its total   3 lifetime in seconds
-- Reply the day's counter

local counter, totals = KEYS[1], KEYS[2]
local new = tonumber(ARGV[2]) - (tonumber(redis.call('HGET', totals, ARGV[1])) or 0)
if new <= 0 then return tonumber(redis.call('GET', counter)) or 0 end
redis.call('HSET', totals, ARGV[1], ARGV[2])
redis.call('EXPIRE', totals, ARGV[3])
local count = redis.call('INCRBY', counter, new)
redis.call('EXPIRE', counter, ARGV[3])
return count
