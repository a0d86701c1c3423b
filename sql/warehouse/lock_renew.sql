-- Prolongs a claim. One that has expired, or is not there any more, stays so, and the statement then fails: somebody else may
-- hold the lock by now.
INSERT INTO locks (name, epoch, token, host, pid, is_brief, claimed_at, expires_at, released, revision)
SELECT {name:String}, {epoch:UInt64}, {token:String}, {host:String}, {pid:UInt64}, {is_brief:Bool},
    claim.1, now64(6, 'UTC') + toIntervalSecond({life_seconds:UInt32}), false, now64(6, 'UTC')
FROM
(
    SELECT max((claimed_at, NOT released AND expires_at > now64(6, 'UTC'))) AS claim
    FROM locks FINAL
    WHERE name = {name:String} AND epoch = {epoch:UInt64} AND token = {token:String}
)
WHERE throwIf(NOT claim.2, 'the lease has expired') = 0
