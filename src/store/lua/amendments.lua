-- Functions that read amendments of single messages; amendments.rs describes the hashes.

local function is_deleted(amended, seq)
  return redis.call('HEXISTS', amended, seq) == 1
end

-- Returns the amendments of a message as `{field, value, …}`.
local function amendments_of(amended, seq)
  local fields, found = {seq, seq .. ':e', seq .. ':m', seq .. ':r', seq .. ':p'}, {}
  for i, value in ipairs(redis.call('HMGET', amended, unpack(fields))) do
    if value then
      found[#found + 1] = fields[i]
      found[#found + 1] = value
    end
  end
  return found
end

-- Returns them with the details of each, `{field, value, details or '', …}`.
local function with_details(details, amendments)
  local found = {}
  for i = 1, #amendments, 2 do
    local field = amendments[i]
    local has_details = string.find(field, ':[emr]$')
    found[#found + 1] = field
    found[#found + 1] = amendments[i + 1]
    found[#found + 1] = has_details and redis.call('HGET', details, field) or ''
  end
  return found
end
