-- Begins a round of Reconcile: from now on what is touched is noted for this round, and older rounds give way. Claims stay noted
-- until the source had time to learn of them.
-- KEYS     1 round, 2 recent, 3 queues
-- ARGV     1 the round, 2 now (ms)
-- returns  the names of the queues
redis.call('SET', KEYS[1], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2])
return redis.call('SMEMBERS', KEYS[3])
