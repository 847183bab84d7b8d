-- Ends an attempt to deliver a message to a webhook: the message is acknowledged, or nobody takes it before a pause is over.
--
-- KEYS  1 log
-- ARGV  1 group   2 node   3 entry   4 pause in ms, '' when the message is acknowledged
-- Reply 1, or 0 when there is nothing to end: the webhook was removed, or another node has taken the message

local log = KEYS[1]
local group, node, entry, pause = unpack(ARGV)

local found = redis.pcall('XPENDING', log, group, entry, entry, 1)
if found.err then
  if string.find(found.err, 'NOGROUP', 1, true) then return 0 end
  return found
end
if not found[1] then return 0 end
local holder = found[1][2]
if pause == '' then
  redis.call('XACK', log, group, entry)
  redis.call('XGROUP', 'DELCONSUMER', log, group, holder)
  return 1
end
if parse_consumer(holder) ~= node then return 0 end
local consumer = consumer_until(node, math.floor(redis_clock()) + tonumber(pause))
redis.call('XCLAIM', log, group, consumer, 0, entry, 'JUSTID')
if consumer ~= holder then redis.call('XGROUP', 'DELCONSUMER', log, group, holder) end
return 1
