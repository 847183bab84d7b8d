-- Functions that read amendments of single messages; amendments.rs describes the hash.

local function is_deleted(amended, seq)
  return redis.call('HEXISTS', amended, seq) == 1
end

-- Returns the amendments of a message as `{field, value, …}`.
local function amendments_of(amended, seq)
  local deletion = redis.call('HGET', amended, seq)
  return deletion and {seq, deletion} or {}
end
