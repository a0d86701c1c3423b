-- Loads whose removal was begun and is not done, with how many rows are left of them. Grain: load.
WITH open AS
(
    SELECT load_seq FROM expired_loads
    WHERE step = 'begun' AND load_seq GLOBAL NOT IN (SELECT load_seq FROM expired_loads WHERE step = 'done')
)
SELECT begun.load_seq AS load_seq, begun.removal_id AS removal_id, begun.before AS before, begun.timezone AS timezone, begun.rows_removed AS rows_removed,
    begun.rows_kept AS rows_kept, begun.checksum AS checksum, stored.rows AS rows_stored
FROM
(
    SELECT load_seq, removal_id, before, timezone, rows_removed, rows_kept, checksum
    FROM expired_loads
    WHERE step = 'begun' AND load_seq GLOBAL IN open
) AS begun
LEFT JOIN
(
    SELECT load_seq, count() AS rows FROM usage_events WHERE load_seq GLOBAL IN open GROUP BY load_seq
) AS stored ON stored.load_seq = begun.load_seq
ORDER BY load_seq
SETTINGS join_use_nulls = 0
