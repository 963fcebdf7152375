-- Takes consumers out of a group that have not been heard of for long and have nothing pending. In one step: deleting a consumer
-- throws away what it has pending, and it may come back at any time.
--
-- KEYS: frames. ARGV: group, milliseconds of silence. Returns how many were taken out.
local forgotten = 0
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    local about = {}
    for n = 1, #consumer, 2 do
        about[consumer[n]] = consumer[n + 1]
    end
    if about.pending == 0 and about.idle > tonumber(ARGV[2]) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], about.name)
        forgotten = forgotten + 1
    end
end
return forgotten
