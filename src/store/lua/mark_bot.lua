-- Notes that a member of a room is no person.
--
-- KEYS  1 room   2 members
-- ARGV  1 user
-- Reply 1, or 0 when the user is no member

local room, members = unpack(KEYS)
if not redis.call('ZSCORE', members, ARGV[1]) then return 0 end
note_bot(room, ARGV[1])
return 1
