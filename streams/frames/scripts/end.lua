-- Ends frames of one shard: the only step that takes a frame out of its stream. Repeating it after a lost reply changes nothing.
--
-- XDEL comes first and decides: only where it removed the entry is the result or the letter added and the account kept. It also
-- frees memory, after which Redis at its memory limit lets the rest of a script through.
--
-- KEYS: frames, account, and where something is added, results and dead letters; then a key for each preview. ARGV: group, oldest
-- result to keep (milliseconds), dead letters to keep, and for each frame: entry id, field of the account, what is added ('',
-- 'result', 'letter', 'letter+picture'), whether its producer has accounted for its capture ('1', '0'), the result or letter, the
-- header for a letter. Then for each preview: number of its frame, from 1; its capture, and its life from now (milliseconds);
-- header, JPEG. Returns for each frame 1 where this call ended it, else 0.
local frames, account, results, dead = unpack(KEYS)
local group, oldest, letters = unpack(ARGV, 1, 3)
local ended, ids = {}, {}
local previews = math.max(#KEYS - 4, 0)
local frames_end = #ARGV - 5 * previews

for i = 4, frames_end, 6 do
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

-- The id of a preview is its turn, a tenth of a second after the one before it: a frame captured more than half of that before its
-- turn is too soon, or older than the one that is there. No error of a preview may keep its frame from ending: hence the pcalls.
local every = 100
for n = 1, previews do
    local key = KEYS[4 + n]
    local frame, captured, life, header, jpeg = unpack(ARGV, frames_end + 5 * n - 4, frames_end + 5 * n)
    if ended[tonumber(frame)] == 1 then
        captured = tonumber(captured)
        local newest = redis.pcall('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
        local turn = newest and tonumber(string.match(newest[1], '^%d+')) + every or 0
        if captured + every / 2 >= turn then
            local id = string.format('%.0f-1', math.max(captured, turn))
            if type(redis.pcall('XADD', key, 'MAXLEN', 1, id, 'm', header, 'j', jpeg)) == 'string' then
                redis.pcall('PEXPIRE', key, life)
            end
        end
    end
end
return ended
