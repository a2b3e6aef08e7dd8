-- Takes things out of the queues. What an agent holds stays with her.
-- KEYS     of common.lua
-- ARGV     the ids
-- returns  how many were in a queue
local removed = 0
for _, id in ipairs(ARGV) do
  local place = redis.call('HGET', places, id)
  local kind = read(place)
  if kind == 'q' then
    leave(id, place)
    enter(id, '')
    removed = removed + 1
  end
  if kind ~= 'a' then
    redis.call('ZADD', recent, 0, id)
  end
end
return removed
