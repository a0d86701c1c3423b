-- Whose reports are loaded, and of which days. Grain: provider and kind (cost or usage).
SELECT toString(provider) AS provider, toString(kind) AS kind, toDateTime64(min(day), 0, 'UTC') AS first_day,
    toDateTime64(max(day), 0, 'UTC') AS last_day, count() AS lines
FROM v_costs
GROUP BY provider, kind
ORDER BY provider, kind
