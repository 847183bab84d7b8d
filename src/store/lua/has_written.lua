-- Whether a member has a message in the log of a room.
--
-- KEYS  1 log
-- ARGV  1 user
-- Reply 1 or 0

local STEP = 50

local last = '+'
while true do
  local entries = redis.call('XREVRANGE', KEYS[1], last, '-', 'COUNT', STEP)
  for _, entry in ipairs(entries) do
    if string.match(entry[2][2], '^%d+') == ARGV[1] then return 1 end
    last = '(' .. entry[1]
  end
  if #entries < STEP then return 0 end
end
