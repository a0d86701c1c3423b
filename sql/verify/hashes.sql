-- Hashes of identities that several counted events have, of a range of hashes, at most `most`: those identities are then
-- compared exactly. The hash is computed here, so that a wrong one in the table hides nothing. Grain: hash.
SELECT cityHash64(toString(source), event_id) AS hash
FROM v_events
WHERE hash BETWEEN {hash_from:UInt64} AND {hash_to:UInt64}
GROUP BY hash
HAVING count() > 1
ORDER BY hash
LIMIT {most:UInt64}
