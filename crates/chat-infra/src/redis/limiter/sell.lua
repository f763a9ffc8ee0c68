-- Sells permits of many quotas, one for each key. A key holds the time, in
-- microseconds of this server's clock, at which its quota will be whole again.
-- ARGV, four for each key: microseconds for one permit to come back, burst,
-- permits that were used and are to be paid (below zero: that are given back),
-- permits that are wanted.
-- Answer, two for each key: permits sold, microseconds until the quota is whole.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer = {}
for place, key in ipairs(KEYS) do
  local at = place * 4 - 3
  local interval, burst = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local owed, wanted = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local whole = interval * burst
  -- A clock that was set back must not shut anyone out for longer than two bursts.
  local stored = math.min(tonumber(redis.call('GET', key)) or now, now + 2 * whole)
  -- No more is ever in it than a burst, whatever is given back.
  local full_at = math.max(math.max(stored, now) + owed * interval, now)
  local room = math.floor((now + whole - full_at) / interval)
  local sold = math.max(0, math.min(wanted, room))
  full_at = full_at + sold * interval
  if full_at > now then
    redis.call('SET', key, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
  end
  answer[place * 2 - 1] = sold
  answer[place * 2] = math.ceil(full_at - now)
end
return answer
