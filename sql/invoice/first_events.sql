-- When sources were first heard of. Input: sources. Grain: source.
SELECT source, min(occurred_at) AS first
FROM v_events
WHERE source IN {sources:Array(String)}
GROUP BY source
ORDER BY source
