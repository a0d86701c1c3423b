-- Claims an epoch of a lock or series, in the server's own time. The statement's setting insert_deduplication_token is
-- name/epoch, so at most one of several contenders' rows is stored; lock_claims.sql says whose.
INSERT INTO locks (name, epoch, token, host, pid, is_brief, claimed_at, expires_at, released, revision)
SELECT {name:String}, {epoch:UInt64}, {token:String}, {host:String}, {pid:UInt64}, {is_brief:Bool},
    now64(6, 'UTC') AS asked, asked + toIntervalSecond({life_seconds:UInt32}), false, asked
