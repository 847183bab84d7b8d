-- Reads a token of an application, and records once a minute that it was used.
--
-- KEYS  1 tokens   2 times of their last use
-- ARGV  1 digest of the token
-- Reply what is stored of it, or false

local MINUTE = 60 * 1000

local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored then return false end
local time = redis.call('TIME')
local ms = time[1] * 1000 + math.floor(time[2] / 1000)
local used = tonumber(redis.call('HGET', KEYS[2], ARGV[1])) or 0
if ms - used >= MINUTE then redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', ms)) end
return stored
