-- Reads who sent the entries of a log behind a known one, a part at a time: records may be long, and Redis serves nobody
-- else meanwhile. Requires mentions.lua.
--
-- KEYS  1 log   2 amendments
-- ARGV  1 id of the known entry ('' for none)
-- Reply {known entry is in the log 0|1, {entry id, sender, users whom it mentions, …}, there are more 0|1, id of the log's first entry,
--       fields of the amendments, {field, users whom its message mentions since an edit, …}}
--       (from the beginning of the log when the known entry is not in it; the last three only when there are no more; the
--       id is false for an empty log)

local MAX_ENTRIES, MAX_BYTES, STEP = 500, 128 * 1024, 10

local log, amended = KEYS[1], KEYS[2]
local is_known = ARGV[1] ~= '' and redis.call('XRANGE', log, ARGV[1], ARGV[1])[1]
local from = is_known and '(' .. ARGV[1] or '-'
local senders, bytes, has_more = {}, 0, true
while has_more and #senders < 3 * MAX_ENTRIES and bytes < MAX_BYTES do
  local entries = redis.call('XRANGE', log, from, '+', 'COUNT', STEP)
  for _, entry in ipairs(entries) do
    from, bytes = '(' .. entry[1], bytes + #entry[2][2]
    senders[#senders + 1] = entry[1]
    senders[#senders + 1] = string.match(entry[2][2], '^%d+')
    senders[#senders + 1] = mentioned_users(entry[2][2])
  end
  has_more = #entries == STEP
end
local known = is_known and 1 or 0
if has_more then return {known, senders, 1} end
local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
local fields, changed, users = redis.call('HKEYS', amended), {}, {}
for _, field in ipairs(fields) do
  if string.sub(field, -2) == ':m' then changed[#changed + 1] = field end
end
for i = 1, #changed, 1000 do
  local some = {unpack(changed, i, math.min(i + 999, #changed))}
  for j, value in ipairs(redis.call('HMGET', amended, unpack(some))) do
    users[#users + 1] = some[j]
    users[#users + 1] = users_of_change(value)
  end
end
return {known, senders, 0, first and first[1] or false, fields, users}
