-- Publishes what happened to the tracks of a shard's cameras, and keeps their state, in one step: after a crash the state says which
-- events are out. Only where nobody else has written since this tracker's last step: one that was stalled for longer than its lease
-- has lost the shard to another, and must not publish. Repeating a step after a lost reply changes nothing.
--
-- KEYS: tracks, events. ARGV: the step that is the last one as far as the tracker knows ('' before the first), the name of this one,
-- how far the results were read, seconds that events are kept, how many events follow, these, then names of cameras, each with its
-- state, or '' where it is to be forgotten. Returns 1, or 0 where another tracker has the shard.
--
-- Step and position stand under the empty name, which no camera has.
local tracks, events = KEYS[1], KEYS[2]
local before, step, position, keep, count = unpack(ARGV, 1, 5)
local stored = string.match(redis.call('HGET', tracks, '') or '', '^%S*')
if stored == step then
    return 1
end
if stored ~= before then
    return 0
end
redis.call('HSET', tracks, '', step .. ' ' .. position)
local oldest = string.format('%d', math.max(0, redis.call('TIME')[1] - keep) * 1000)
for i = 6, 5 + count do
    redis.call('XADD', events, 'MINID', oldest, '*', 'e', ARGV[i])
end
for i = 6 + count, #ARGV, 2 do
    if ARGV[i + 1] == '' then
        redis.call('HDEL', tracks, ARGV[i])
    else
        redis.call('HSET', tracks, ARGV[i], ARGV[i + 1])
    end
end
return 1
