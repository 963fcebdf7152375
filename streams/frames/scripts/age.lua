-- Ends frames that nobody will end: their producer was killed, and no worker read them before their deadline. Also accounts for
-- entries that left the stream in no such step as this one (an eviction, a trim by hand).
--
-- Whoever calls first does it, once a second. It looks at a bounded number of entries that are older than a second, and goes on
-- from there the next time: a camera whose frames live for an hour hides no other's. Where all of them were overdue, whoever calls
-- next goes on at once: frames of producers that are killed again and again do not pile up.
--
-- KEYS: frames, account, age. ARGV: group, seconds a frame may be overdue, entries to look at, version of the wire since which
-- a frame names the producer that has accounted for its capture. Returns: expired, vanished.
local frames, account, age = unpack(KEYS)
local group, grace_s, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local since = now - (tonumber(redis.call('HGET', age, 'at')) or 0)
if since >= 0 and since < 1 then
    return {0, 0}
end

local function header_of(fields)
    for n = 1, #fields, 2 do
        if fields[n] == 'm' and #fields[n + 1] <= 65536 then
            local readable, header = pcall(cmsgpack.unpack, fields[n + 1])
            return readable and type(header) == 'table' and header or {}
        end
    end
    return {}
end

local expired = 0
local cursor = redis.call('HGET', age, 'cursor') or '-'
local entries = redis.call('XRANGE', frames, cursor, math.floor((now - 1) * 1000), 'COUNT', limit)
for _, entry in ipairs(entries) do
    local header = header_of(entry[2])
    local deadline = tonumber(header.deadline)
    if deadline and deadline + grace_s < now then
        redis.call('XDEL', frames, entry[1])
        redis.call('XACK', frames, group, entry[1])
        redis.call('HINCRBY', account, 'expired', 1)
        if (tonumber(header.version) or 0) < tonumber(ARGV[4]) or type(header.producer) ~= 'string' then
            redis.call('HINCRBY', account, 'captured', 1)
        end
        expired = expired + 1
    end
end
-- At its memory limit Redis refuses this and what follows, unless an XDEL came before.
redis.pcall('HSET', age, 'at', expired < limit and now or 0, 'cursor', #entries == limit and '(' .. entries[limit][1] or '-')

local vanished = -redis.call('XLEN', frames)
local fields = redis.call('HGETALL', account)
for n = 1, #fields, 2 do
    vanished = vanished + (fields[n] == 'captured' and fields[n + 1] or -fields[n + 1])
end
if vanished > 0 then
    redis.pcall('HINCRBY', account, 'dropped.vanished', vanished)
end
return {expired, math.max(vanished, 0)}
