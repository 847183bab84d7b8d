-- Records the settings of a node and returns those that other nodes recorded before.
--
-- KEYS  1 settings of nodes
-- ARGV  1 node   2 its settings, JSON
-- Reply node, settings, … of the others

local others = redis.call('HGETALL', KEYS[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return others
