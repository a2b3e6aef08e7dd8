-- Gives an agent the best thing of a queue, if she has room for it.
-- KEYS     1 queue, 2 places, 3 loads, 4 recent
-- ARGV     1 name of the queue, 2 agent, 3 her capacity, 4 until when Reconcile leaves the claim alone (ms)
-- returns  the id | 0 the queue is empty | 1 she is full
local room = tonumber(ARGV[3]) - (redis.call('HGET', KEYS[3], ARGV[2]) or 0)
if room <= 0 then
  return 1
end
for _ = 1, 100 do
  local id, score = unpack(redis.call('ZPOPMIN', KEYS[1]))
  if not id then
    return 0
  end
  local weight, queue = string.match(redis.call('HGET', KEYS[2], id) or '', '^q(%d+) (.*)$')
  if queue == ARGV[1] then
    if tonumber(weight) > room then
      redis.call('ZADD', KEYS[1], score, id)
      return 1
    end
    redis.call('HSET', KEYS[2], id, 'a' .. weight .. ' ' .. ARGV[2])
    redis.call('HINCRBY', KEYS[3], ARGV[2], weight)
    redis.call('ZADD', KEYS[4], ARGV[4], id)
    return id
  end
  -- Not this queue's, by the table of places: Redis lost a key. Reconcile puts it back where it belongs.
end
return 0
