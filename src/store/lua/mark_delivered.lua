-- Records that members have received a run of messages.
--
-- KEYS  1 members   2 delivered
-- ARGV  1 first seq   2 last seq   3 maximum members   4 maximum entries   5 lifetime in ms   6… users
-- Reply 1, or 0 when the room is too large for receipts, or has no members because it was removed

local members, delivered = unpack(KEYS)
local count = redis.call('ZCARD', members)
if count == 0 or count > tonumber(ARGV[3]) then return 0 end
local first, last = tonumber(ARGV[1]), tonumber(ARGV[2])
local floor = last - tonumber(ARGV[4])
for i = 6, #ARGV do
  local before = redis.call('HGET', delivered, ARGV[i]) or ''
  local runs, added = add_run(before, first, last, '', floor)
  if #added > 0 then redis.call('HSET', delivered, ARGV[i], runs) end
end
redis.call('PEXPIRE', delivered, ARGV[5])
return 1
