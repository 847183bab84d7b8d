-- Functions that walk a room's log past deleted messages. Requires amendments.lua.

-- Returns the amendments of all messages: seq → `{field, value, …}`.
local function all_amendments(amended)
  local by_seq, entries = {}, redis.call('HGETALL', amended)
  for i = 1, #entries, 2 do
    local seq = string.match(entries[i], '^%d+')
    if seq then
      local found = by_seq[seq] or {}
      found[#found + 1] = entries[i]
      found[#found + 1] = entries[i + 1]
      by_seq[seq] = found
    end
  end
  return by_seq
end

-- Returns the amendments of a message, or false when one of them deletes it.
local function unless_deleted(amendments, seq)
  for i = 1, #amendments, 2 do
    if amendments[i] == seq then return false end
  end
  return amendments
end

-- Visits messages that are not deleted from the newest back to `oldest_ms`, while `visit(entry, seq, ms, amendments)`
-- returns true.
local function walk_back(log, amended, oldest_ms, visit)
  -- Most walks end at the newest message, so the first step reads no more than that and its amendments.
  local last, step, by_seq = '+', 1, nil
  while true do
    local entries = redis.call('XREVRANGE', log, last, '-', 'COUNT', step)
    if step > 1 and #entries > 0 then by_seq = by_seq or all_amendments(amended) end
    for _, entry in ipairs(entries) do
      local seq, ms = string.match(entry[1], '^(%d+)-(%d+)$')
      ms = tonumber(ms)
      if ms < oldest_ms then return end
      local amendments
      if by_seq then amendments = by_seq[seq] or {} else amendments = amendments_of(amended, seq) end
      amendments = unless_deleted(amendments, seq)
      if amendments and not visit(entry, seq, ms, amendments) then return end
      last = '(' .. entry[1]
    end
    if #entries < step then return end
    step = 50
  end
end
