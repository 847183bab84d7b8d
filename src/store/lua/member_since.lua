-- Finds the first message that a member receives.
--
-- KEYS  1 room   2 log   3 members
-- ARGV  1 user
-- Reply {kind, first seq since the user joined}, or false when there is no such member

local room, log, members = unpack(KEYS)
local state = redis.call('HMGET', room, 'kind', 'seq')
local joined = redis.call('ZSCORE', members, ARGV[1])
if not state[1] or not joined then return false end
return {state[1], (first_since(log, tonumber(state[2]), tonumber(joined)))}
