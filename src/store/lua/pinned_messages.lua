-- Reads the pinned messages of a room that are not older than a time. Requires amendments.lua, prelude.lua and pins.lua.
--
-- KEYS  1 room   2 log   3 members   4 amendments   5 details of amendments
-- ARGV  1 caller   2 time in ms
-- Reply {{entry id, record, its amendments with details}, …}, the newest first, or false when the caller may not know of the
--       room

local room, log, members, amended, details = unpack(KEYS)
if not known_kind(redis.call('HGET', room, 'kind'), members, ARGV[1]) then return false end
local seqs = pinned_seqs(log, amended)
table.sort(seqs, function(a, b) return tonumber(a) > tonumber(b) end)
local pinned = {}
for _, seq in ipairs(seqs) do
  local entry = redis.call('XRANGE', log, seq, seq)[1]
  if entry and tonumber(string.match(entry[1], '%d+$')) >= tonumber(ARGV[2]) then
    pinned[#pinned + 1] = {entry[1], entry[2][2], with_details(details, amendments_of(amended, seq))}
  end
end
return pinned
