-- Raises the revision of loads that others are reading, so that it outranks a row that commits one of them and was sent by somebody
-- who has lost the writers' lock since: their next commit goes on from here.
INSERT INTO loads
SELECT * REPLACE (revision + 2 AS revision)
FROM loads FINAL
WHERE status = 'loading' AND load_seq IN {loads:Array(UInt64)}
