-- Claims a form of user names for a user, unless another holds it. A stale claim is replaced.
--
-- KEYS  1 form
-- ARGV  1 user   2 time, ms   3 stale claim ('' for none)
-- Reply the claim of the other user, or false

local claim = redis.call('GET', KEYS[1])
if claim and claim ~= ARGV[3] and string.match(claim, '^%d+') ~= ARGV[1] then return claim end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2])
return false
