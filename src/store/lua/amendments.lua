-- Reads amendments of single messages. Put in front of the scripts that need it; amendments.rs describes the hash.

local function is_deleted(amended, seq)
  return redis.call('HEXISTS', amended, seq) == 1
end

-- Fields and values of a message's amendments: `{field, value, …}`.
local function amendments_of(amended, seq)
  local deletion = redis.call('HGET', amended, seq)
  return deletion and {seq, deletion} or {}
end
