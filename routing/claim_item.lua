-- Gives an agent one named thing, wherever it is.
-- KEYS     of common.lua
-- ARGV     1 id, 2 agent, 3 weight, 4 her capacity (0 or less: no limit, and the thing may be another agent's),
--          5 until when Reconcile leaves the claim alone (ms)
-- returns  0 claimed | 1 she is full | 2 another agent has it
local id, agent, weight, capacity = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local place = redis.call('HGET', places, id)
local kind, _, name = read(place)
local hers = kind == 'a' and name == agent
if capacity > 0 and not hers then
  if kind == 'a' then
    return 2
  end
  if (redis.call('HGET', loads, agent) or 0) + weight > capacity then
    return 1
  end
end
leave(id, place)
enter(id, 'a' .. weight .. ' ' .. agent)
redis.call('ZADD', recent, ARGV[5], id)
return 0
