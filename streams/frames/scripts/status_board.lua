-- Writes statuses into the hash KEYS[1], or takes them out, each only where its name is this holder's or free. A name is free that
-- nobody has, that its holder has left (its token is empty), or that was not renewed for as long as the lease, by Redis's own clock.
--
-- ARGV: "renew", "leave" or "remove"; the holder's token and name; seconds of the lease; seconds after which a status that nobody renews
-- is deleted, or 0 to look for none; then for each status its name, the number of its fields, and these as msgpack, names and values.
-- Returns of each name that another holds: the name, the holder, and since when.

local what, token, holder, lease, forget = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local function decoded(packed)
  local done, status = pcall(cmsgpack.unpack, packed)
  return done and type(status) == 'table' and status or {}
end

-- A clock that was set back must not keep a dead holder's name: what is that far in the future was not renewed either.
local function unrenewed_s(status)
  return math.abs(now - (tonumber(status.updated_at) or 0))
end

local refused = {}
for i = 6, #ARGV, 3 do
  local name, fields, packed = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local before = decoded(redis.call('HGET', KEYS[1], name) or '')
  local ours = before.token == token
  if what == 'remove' then
    if ours then
      redis.call('HDEL', KEYS[1], name)
    end
  elseif ours or before.token == '' or unrenewed_s(before) >= lease then
    local since = ours and before.since or now
    local kept = what == 'leave' and '' or token
    local ends = cmsgpack.pack('holder', holder, 'token', kept, 'since', since, 'updated_at', now)
    -- HDEL first: a Redis at its memory limit refuses a script its first write where that may need memory, and none after it. So
    -- whoever looks sees who is there. 0xde and two bytes for the number of fields begin a map of msgpack.
    redis.call('HDEL', KEYS[1], name)
    redis.call('HSET', KEYS[1], name, '\222\000' .. string.char(fields + 4) .. packed .. ends)
  else
    refused[#refused + 1] = name
    refused[#refused + 1] = tostring(before.holder or before.producer)
    refused[#refused + 1] = tostring(before.since)
  end
end

if forget > 0 then
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if unrenewed_s(decoded(all[i + 1])) >= forget then
      redis.call('HDEL', KEYS[1], all[i])
    end
  end
end
return refused
