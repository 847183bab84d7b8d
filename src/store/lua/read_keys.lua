-- Reads keys as they are at one moment, for a backup.
--
-- KEYS  the keys, of one slot
-- ARGV  1 entries from which a hash or a sorted set is too large to be read at once
-- Reply for each key false when there is none, else
--       { when it expires (ms, -1 for never), 'dump', its value as DUMP gives it, entries of a stream or 0 }
--       { when it expires, 'hash' or 'zset' }, which the caller reads in parts

local sizes = { hash = 'HLEN', zset = 'ZCARD', stream = 'XLEN' }
local found = {}
for index, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key)['ok']
  local size = sizes[kind] and redis.call(sizes[kind], key) or 0
  if kind == 'none' then
    found[index] = false
  elseif kind ~= 'stream' and size >= tonumber(ARGV[1]) then
    found[index] = { redis.call('PEXPIRETIME', key), kind }
  else
    local entries = kind == 'stream' and size or 0
    found[index] = { redis.call('PEXPIRETIME', key), 'dump', redis.call('DUMP', key), entries }
  end
end
return found
