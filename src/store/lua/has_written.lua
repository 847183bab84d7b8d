-- Whether a member has a message in the log of a room.
--
-- KEYS  1 log
-- ARGV  1 user
-- Reply 1 or 0

for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
  if string.match(entry[2][2], '^%d+') == ARGV[1] then return 1 end
end
return 0
