-- Hours in which a source has events that count. Inputs: sources, from, until (exclusive). Grain: source and hour, ascending.
SELECT source, toStartOfHour(occurred_at) AS hour
FROM v_events
WHERE source IN {sources:Array(String)}
    AND occurred_at >= {from:DateTime64(9, 'UTC')} AND occurred_at < {until:DateTime64(9, 'UTC')}
GROUP BY source, hour
ORDER BY source, hour
