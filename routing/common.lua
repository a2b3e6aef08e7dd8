-- Put before the scripts that move things about. A thing has one place, written "q<weight> <queue>" or "a<weight> <agent>".
-- KEYS  1 places, 2 loads, 3 recent, 4 queues, 5 beginning of a queue's key, 6 round
local places, loads, recent, queues, queue = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

-- read takes a place apart: "q" or "a", weight, name; nil for none.
local function read(place)
  local kind, weight, name = string.match(place or '', '^(%a)(%d+) (.*)$')
  return kind, tonumber(weight), name
end

-- leave takes a thing out of its place. The caller says what becomes of its entry in places.
local function leave(id, place)
  local kind, weight, name = read(place)
  if kind == 'q' then
    redis.call('ZREM', queue .. name, id)
  elseif kind == 'a' and redis.call('HINCRBY', loads, name, -weight) <= 0 then
    redis.call('HDEL', loads, name)
  end
end

-- enter puts a thing into a place it is not in; an empty place is nowhere.
local function enter(id, place, score)
  local kind, weight, name = read(place)
  if not kind then
    redis.call('HDEL', places, id)
    return
  end
  redis.call('HSET', places, id, place)
  if kind == 'q' then
    redis.call('ZADD', queue .. name, score, id)
    redis.call('SADD', queues, name)
  else
    redis.call('HINCRBY', loads, name, weight)
  end
end

