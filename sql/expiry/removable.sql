-- How many raw rows the given loads would lose and keep. Grain: load. Inputs: as the term says.
WITH
-- term divided_days
    days AS (SELECT DISTINCT load_seq, customer_id, day FROM divided)
SELECT load_seq,
    countIf(NOT stays) AS rows_removed, countIf(stays) AS rows_kept
FROM
(
    SELECT load_seq, (load_seq, customer_id, toDate(occurred_at, {timezone:String})) GLOBAL IN days AS stays
    FROM usage_events
    WHERE load_seq IN {loads:Array(UInt64)}
)
GROUP BY load_seq
ORDER BY load_seq
