-- Discarded loads of which rows are stored all the same: a statement of a killed process that the server began late. Rejects of a
-- dismissed load stay: they are what there is to fix. Grain: load.
WITH
    discarded AS (SELECT load_seq FROM loads FINAL WHERE status = 'discarded'),
    gone AS (SELECT load_seq FROM loads FINAL WHERE status IN ('discarded', 'dismissed'))
SELECT DISTINCT load_seq
FROM
(
    SELECT load_seq FROM usage_events WHERE load_seq GLOBAL IN (gone)
    UNION ALL
    SELECT load_seq FROM duplicate_events WHERE load_seq GLOBAL IN (gone)
    UNION ALL
    SELECT load_seq FROM replaced_events WHERE load_seq GLOBAL IN (gone)
    UNION ALL
    SELECT load_seq FROM rejects WHERE load_seq GLOBAL IN (discarded)
    UNION ALL
    SELECT load_seq FROM load_objects WHERE load_seq GLOBAL IN (gone) AND load_seq GLOBAL NOT IN (SELECT load_seq FROM loads FINAL WHERE objects > 0)
)
ORDER BY load_seq
