-- Puts things where they belong. Enqueue says so because it has just happened; a round of Reconcile because the source says so, and
-- then a thing that was touched since the round began is left alone.
-- KEYS     of common.lua
-- ARGV     1 the round, or "" for Enqueue; then for every thing: id, its place or "", its score or "", a queue it was seen in where
--          it does not belong or ""
-- returns  how many were added to queues, taken out of queues, moved within or between them, and how many claims were put right;
--          nothing if a newer round has begun or Redis was emptied
local round = ARGV[1]
if round ~= '' and redis.call('GET', KEYS[6]) ~= round then
  return {}
end
local added, removed, moved, claims = 0, 0, 0, 0
for i = 2, #ARGV, 4 do
  local id, place, score, stray = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if round == '' or not redis.call('ZSCORE', recent, id) then
    local old = redis.call('HGET', places, id)
    local from, to = read(old), read(place)
    if from == 'q' and to == 'q' then
      moved = moved + 1
    elseif to == 'q' then
      added = added + 1
    elseif from == 'q' then
      removed = removed + 1
    end
    if from == 'a' or to == 'a' then
      claims = claims + 1
    end
    leave(id, old)
    if stray ~= '' then
      redis.call('ZREM', queue .. stray, id)
    end
    enter(id, place, score)
    if round == '' then
      redis.call('ZADD', recent, 0, id)
    end
  end
end
return {added, removed, moved, claims}
