-- The claim of an epoch of a lock or series, of the latest one where the epoch is 0, and whether it holds by the server's clock.
-- A second row would say that the server has not kept two claims apart. Grain: claim.
SELECT epoch, token, host, pid, is_brief, claimed_at, NOT released AND expires_at > now64(6, 'UTC') AS holds
FROM locks FINAL
WHERE name = {name:String}
    AND epoch = if({epoch:UInt64} = 0, (SELECT max(epoch) FROM locks WHERE name = {name:String}), {epoch:UInt64})
ORDER BY token
