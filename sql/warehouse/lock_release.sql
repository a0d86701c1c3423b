-- Gives a claim back.
INSERT INTO locks (name, epoch, token, host, pid, is_brief, claimed_at, expires_at, released, revision)
SELECT name, epoch, token, host, pid, is_brief, claimed_at, expires_at, true, now64(6, 'UTC')
FROM locks FINAL
WHERE name = {name:String} AND epoch = {epoch:UInt64} AND token = {token:String}
