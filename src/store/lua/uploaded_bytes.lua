-- Shared: what a file counts for the user who uploaded it. Prepended to the scripts that forget files.

-- Forgets the description of a file, and takes its bytes off those of its user. Does so once, however often it is asked.
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

