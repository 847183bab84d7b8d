-- Functions that walk a room's log past deleted messages. Requires amendments.lua.

-- What a walk reads before it stops. Redis serves nobody else meanwhile, and needs 3 µs for a short entry and 90 µs for
-- one of 15 KB.
local MAX_READ, MAX_READ_BYTES, STEP = 100, 64 * 1024, 10

-- Returns the set of fields that amend messages; that of a deletion is the seq alone.
local function amended_fields(amended)
  local fields = {}
  for _, field in ipairs(redis.call('HKEYS', amended)) do fields[field] = true end
  return fields
end

-- Returns the amendments of a message, or false when one of them deletes it.
local function unless_deleted(amendments, seq)
  for i = 1, #amendments, 2 do
    if amendments[i] == seq then return false end
  end
  return amendments
end

-- Returns the seq before `seq` and before the deleted messages that directly precede it, which need not be read.
local function seq_before(seq, fields)
  local before = seq
  repeat before = string.format('%.0f', before - 1) until not fields[before]
  return before
end

-- Visits messages that are not deleted from the newest back to `oldest_ms`, while `visit(entry, seq, ms, amendments,
-- fields)` returns true. Only the first comes with its amendments, only the others with the set of all fields. Returns true when it has stopped because it has read enough;
-- never before the first.
local function walk_back(log, amended, oldest_ms, visit)
  -- Most walks end at the newest message, so the first step reads no more than that and its amendments.
  local last, step, fields = '+', 1, nil
  local has_visited, read, bytes = false, 0, 0
  while true do
    local entries, seq, ms = redis.call('XREVRANGE', log, last, '-', 'COUNT', step)
    for _, entry in ipairs(entries) do
      seq, ms = string.match(entry[1], '^(%d+)-(%d+)$')
      ms = tonumber(ms)
      if ms < oldest_ms then return false end
      local amendments = not (fields and fields[seq])
      if amendments and not has_visited then amendments = unless_deleted(amendments_of(amended, seq), seq) end
      if amendments then
        if not visit(entry, seq, ms, amendments, has_visited and fields) then return false end
        has_visited = true
      end
      read, bytes = read + 1, bytes + #entry[2][2]
    end
    if #entries < step then return false end
    if has_visited then
      if read > MAX_READ or bytes > MAX_READ_BYTES then return true end
      step = STEP
    end
    fields = fields or amended_fields(amended)
    last = seq_before(seq, fields)
  end
end
