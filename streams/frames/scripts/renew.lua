-- Renews the lease of entries that a reader holds, where they are still its own: sets their idle time to zero, and leaves the
-- count of their deliveries as it is. In one step, or an entry that another reader has just claimed would be taken back from it.
--
-- KEYS: frames. ARGV: group, consumer, entry ids. Returns the ids that are still the consumer's.
local frames = KEYS[1]
local group, consumer = ARGV[1], ARGV[2]
local held = {}
for i = 3, #ARGV do
    if #redis.call('XPENDING', frames, group, ARGV[i], ARGV[i], 1, consumer) == 1 then
        redis.call('XCLAIM', frames, group, consumer, 0, ARGV[i], 'JUSTID')
        held[#held + 1] = ARGV[i]
    end
end
return held
