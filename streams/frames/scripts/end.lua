-- Ends frames of one shard: the only step that takes a frame out of its stream. Repeating it after a lost reply changes nothing.
--
-- XDEL comes first and decides: only where it removed the entry is the result or the letter added and the account kept. It also
-- frees memory, after which Redis at its memory limit lets the rest of a script through.
--
-- KEYS: frames, account, and where something is added, results and dead letters. ARGV: group, oldest result to keep (milliseconds), dead letters to keep, and for
-- each frame: entry id, field of the account, what is added ('', 'result', 'letter', 'letter+picture'), whether its producer has
-- accounted for its capture ('1', '0'), the result or letter, the header for a letter.
-- Returns for each frame 1 where this call ended it, else 0.
local frames, account, results, dead = unpack(KEYS)
local group, oldest, letters = unpack(ARGV, 1, 3)
local ended, ids = {}, {}

for i = 4, #ARGV, 6 do
    local id, field, adds, accounted, message, header = unpack(ARGV, i, i + 5)
    local picture
    if adds == 'letter+picture' then
        local found = redis.call('XRANGE', frames, id, id)[1]
        for n = 1, found and #found[2] or 0, 2 do
            if found[2][n] == 'j' then picture = found[2][n + 1] end
        end
    end
    local removed = redis.call('XDEL', frames, id)
    if removed == 1 then
        if adds == 'result' then
            redis.call('XADD', results, 'MINID', '~', oldest, '*', 'r', message)
        elseif picture then
            redis.call('XADD', dead, 'MAXLEN', '~', letters, '*', 'd', message, 'm', header, 'j', picture)
        elseif adds ~= '' then
            redis.call('XADD', dead, 'MAXLEN', '~', letters, '*', 'd', message, 'm', header)
        end
        redis.call('HINCRBY', account, field, 1)
        if accounted == '0' then
            redis.call('HINCRBY', account, 'captured', 1)
        end
    end
    ended[#ended + 1] = removed
    ids[#ids + 1] = id
end
if #ids > 0 then
    redis.call('XACK', frames, group, unpack(ids))
end
return ended
