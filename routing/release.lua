-- Gives an agent back the capacity a thing uses, if she holds it.
-- KEYS     of common.lua
-- ARGV     1 id, 2 agent
-- returns  1 if she held it, 0 if not
local id = ARGV[1]
local place = redis.call('HGET', places, id)
local kind, _, name = read(place)
local hers = kind == 'a' and name == ARGV[2]
if hers then
  leave(id, place)
  enter(id, '')
end
if hers or not kind then
  redis.call('ZADD', recent, 0, id)
end
return hers and 1 or 0
