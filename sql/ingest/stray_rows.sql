-- Discarded loads of which rows are stored all the same: a statement of a killed process that the server began late.
-- Grain: load.
WITH discarded AS (SELECT load_seq FROM loads FINAL WHERE status = 'discarded')
SELECT DISTINCT load_seq
FROM
(
    SELECT load_seq FROM usage_events WHERE load_seq IN (discarded)
    UNION ALL
    SELECT load_seq FROM duplicate_events WHERE load_seq IN (discarded)
    UNION ALL
    SELECT load_seq FROM rejects WHERE load_seq IN (discarded)
)
ORDER BY load_seq
