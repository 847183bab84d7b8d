-- The function that finds the pinned messages of a room. amendments.rs describes the hash.

-- Returns the seqs of the pinned messages that are in the log, which may have dropped others.
local function pinned_seqs(log, amended)
  local head = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local first = head and tonumber(string.match(head[1], '^%d+')) or math.huge
  local fields, seqs = redis.call('HGETALL', amended), {}
  for i = 1, #fields, 2 do
    local seq = string.match(fields[i], '^(%d+):p$')
    local is_on = seq and string.sub(fields[i + 1], -2) == ' 1'
    if is_on and tonumber(seq) >= first then seqs[#seqs + 1] = seq end
  end
  return seqs
end
