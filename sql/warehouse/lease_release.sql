-- Gives a claim back. Inputs: name, token.
INSERT INTO leases (name, token, host, pid, announced_at, expires_at, released, revision)
SELECT name, token, host, pid, announced_at, expires_at, 1, now64(6, 'UTC')
FROM leases FINAL
WHERE name = {name:String} AND token = {token:String}
