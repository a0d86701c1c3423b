-- Loads that are rolled up, by timezone, with what their rollup should hold and how much it holds. Grain: timezone, load.
SELECT
    marked.timezone AS timezone,
    marked.load_seq AS load_seq,
    marked.rows AS marked_rows,
    marked.events AS marked_events,
    daily.daily_rows AS daily_rows
FROM
(
    SELECT toString(timezone) AS timezone, load_seq, rows, events
    FROM rollups FINAL
    WHERE load_seq GLOBAL IN (SELECT load_seq FROM loads FINAL WHERE status IN ('committed', 'withdrawn'))
) AS marked
LEFT JOIN
(
    SELECT toString(timezone) AS timezone, load_seq, count() AS daily_rows
    FROM usage_daily
    GROUP BY timezone, load_seq
) AS daily ON daily.timezone = marked.timezone AND daily.load_seq = marked.load_seq
ORDER BY timezone, load_seq
SETTINGS join_use_nulls = 0
