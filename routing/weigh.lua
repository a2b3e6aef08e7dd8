-- Puts the loads of agents right that are not the sum of what they hold, which happens only when Redis lost a key. A load that has
-- changed since it was read is left to the next round.
-- KEYS     1 loads
-- ARGV     for every agent: her name, the load as it was read or "", the sum
-- returns  how many were put right
local righted = 0
for i = 1, #ARGV, 3 do
  local agent, seen, sum = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if (redis.call('HGET', KEYS[1], agent) or '') == seen then
    if sum == '0' then
      redis.call('HDEL', KEYS[1], agent)
    else
      redis.call('HSET', KEYS[1], agent, sum)
    end
    righted = righted + 1
  end
end
return righted
