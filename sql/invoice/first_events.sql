-- When sources were first heard of. Input: sources. Grain: source.
SELECT source, min(at) AS first
FROM
(
    SELECT toString(source) AS source, min(occurred_at) AS at
    FROM v_events
    WHERE source IN {sources:Array(String)}
    GROUP BY source
    UNION ALL
    SELECT own.source AS source, expired_loads.occurred_from AS at
    FROM expired_loads
    INNER JOIN (SELECT load_seq, toString(source) AS source FROM loads FINAL WHERE source IN {sources:Array(String)}) AS own
        ON own.load_seq = expired_loads.load_seq
    WHERE step = 'begun' AND rows_removed > 0
)
GROUP BY source
ORDER BY source
