-- Contenders for a lock, the holder first. Grain: contender whose claim stands by the server's clock. Input: name.
SELECT token, host, pid, announced_at
FROM leases FINAL
WHERE name = {name:String} AND released = 0 AND expires_at > now64(6, 'UTC')
ORDER BY announced_at, token
