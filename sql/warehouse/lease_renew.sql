-- Prolongs a claim; its place in the order stays. A claim that has expired stays so, and the statement then fails:
-- somebody else may hold the lock by now. Inputs: name, token, life_seconds.
INSERT INTO leases (name, token, host, pid, announced_at, expires_at, released, revision)
SELECT name, token, host, pid, announced_at, now64(6, 'UTC') + toIntervalSecond({life_seconds:UInt32}), 0, now64(6, 'UTC')
FROM leases FINAL
WHERE name = {name:String} AND token = {token:String}
  AND throwIf(expires_at <= now64(6, 'UTC') OR released = 1, 'the lease has expired') = 0
