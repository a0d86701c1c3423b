-- Asks for a lock in the server's own time. Inputs: name, token, host, pid, life_seconds.
INSERT INTO leases (name, token, host, pid, announced_at, expires_at, released, revision)
SELECT {name:String}, {token:String}, {host:String}, {pid:UInt64},
       now64(6, 'UTC') AS asked, asked + toIntervalSecond({life_seconds:UInt32}), 0, asked
