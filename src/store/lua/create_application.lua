-- Stores a token of an application, unless one with its name exists or there are too many.
--
-- KEYS  1 tokens by name   2 tokens
-- ARGV  1 folded name   2 digest of the token   3 what is stored of it   4 maximum tokens
-- Reply 'created', 'taken' or 'full'

local names, tokens = unpack(KEYS)
if redis.call('HLEN', names) >= tonumber(ARGV[4]) then return 'full' end
if redis.call('HSETNX', names, ARGV[1], ARGV[2]) == 0 then return 'taken' end
redis.call('HSET', tokens, ARGV[2], ARGV[3])
return 'created'
