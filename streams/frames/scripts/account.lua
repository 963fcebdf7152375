-- The account of one shard and its frames in flight, as they are at one instant. A MULTI would do, but that Redis at its memory
-- limit refuses every command in one.
--
-- KEYS: account, frames. Returns: fields and values, frames in flight.
return {redis.call('HGETALL', KEYS[1]), redis.call('XLEN', KEYS[2])}
