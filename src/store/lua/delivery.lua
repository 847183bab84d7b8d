-- Functions of the scripts that deliver to webhooks. Prepended to each of them, behind `prelude.lua`.
--
-- The consumer of the entry that is being delivered is called `node until`: the node that delivers it, and the time in ms
-- until which nobody else may take it. That time is the end of the node's lease or, after a failed attempt, of the pause.

local function consumer_until(node, ends)
  return node .. ' ' .. integer(ends)
end

-- Returns the node, and the time.
local function parse_consumer(consumer)
  local node, ends = string.match(consumer, '^(.*) (%d+)$')
  return node, tonumber(ends) or 0
end
