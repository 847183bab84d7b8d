-- Shared: the bytes of a file that count for its user. Prepended to the scripts that remove files.

-- Removes the description of a file, and subtracts its bytes from those of its user: once, however often it is called.
local function forget_description(descriptions, total, path)
  local about = redis.call('HGET', descriptions, path)
  if not about then return end
  redis.call('HDEL', descriptions, path)
  local is_read, description = pcall(cjson.decode, about)
  local uploaded = is_read and type(description) == 'table' and description.u
  if type(uploaded) ~= 'table' then return end
  local user, bytes = string.format('%.0f', uploaded[1]), uploaded[2]
  local left = (tonumber(redis.call('ZSCORE', total, user)) or 0) - bytes
  if left > 0 then
    redis.call('ZADD', total, string.format('%.0f', left), user)
  else
    redis.call('ZREM', total, user)
  end
end

