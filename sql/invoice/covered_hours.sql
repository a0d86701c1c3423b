-- Hours in which a source has events that count. Of loads whose raw rows expired it is not known in which hours they had any:
-- they cover all from the first to the last one. Inputs: sources, from, until (exclusive). Grain: source and hour, ascending.
SELECT source, hour
FROM
(
    SELECT toString(source) AS source, toStartOfHour(occurred_at) AS hour
    FROM v_events
    WHERE source IN {sources:Array(String)}
        AND occurred_at >= {from:DateTime64(9, 'UTC')} AND occurred_at < {until:DateTime64(9, 'UTC')}
    UNION ALL
    SELECT own.source AS source, addHours(toStartOfHour(greatest(occurred_from, {from:DateTime64(9, 'UTC')})),
            arrayJoin(range(toUInt64(greatest(0, 1 + dateDiff('hour', toStartOfHour(greatest(occurred_from,
                {from:DateTime64(9, 'UTC')})), least(occurred_to, {until:DateTime64(9, 'UTC')}))))))) AS hour
    FROM expired_loads
    INNER JOIN (SELECT load_seq, toString(source) AS source FROM loads FINAL WHERE source IN {sources:Array(String)}) AS own
        ON own.load_seq = expired_loads.load_seq
    WHERE step = 'begun' AND rows_removed > 0 AND occurred_to >= {from:DateTime64(9, 'UTC')}
        AND occurred_from < {until:DateTime64(9, 'UTC')}
)
GROUP BY source, hour
ORDER BY source, hour
