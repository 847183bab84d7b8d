-- Assigns the next number of a counter. Numbers are skipped when the server may have lost the latest of them: when its
-- replication id differs from the one recorded next to the counter (a restart, a failover, a restored backup), when
-- that record is gone (a flush), or when the counter is behind a number that the caller has seen.
--
-- KEYS  1 counter   2 replication id of the server that assigned the last number
-- ARGV  1 numbers to assign; with 0 another replication id alone is no reason to skip   2 numbers to skip
--       3 highest number that the caller has seen   4 '1' when the caller has recorded a replication id before
-- Reply {last number taken, 1 when numbers were skipped}

local counter, noted_history = KEYS[1], KEYS[2]
local step, skip, seen = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local last = tonumber(redis.call('GET', counter)) or 0
local noted = redis.call('GET', noted_history)
-- The id changes whenever a server becomes a primary. `INFO` may be denied; then only the caller notices a loss.
local info = redis.pcall('INFO', 'replication')
local history = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or noted
local is_other = noted and noted ~= history
local is_gone = ARGV[4] == '1' and history and not noted
local has_lost = last < seen or is_gone or (step > 0 and is_other)
if has_lost then last = math.max(last, seen) + skip end
if has_lost or step > 0 then redis.call('SET', counter, string.format('%.0f', last + step)) end
if history and (not noted or (step > 0 and is_other)) then redis.call('SET', noted_history, history) end
return {last + step, has_lost and 1 or 0}
