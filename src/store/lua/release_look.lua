-- Releases a form of user names, provided that the user holds it.
--
-- KEYS  1 form
-- ARGV  1 user
-- Reply the number of forms given up

local claim = redis.call('GET', KEYS[1])
if not claim or string.match(claim, '^%d+') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
