-- Whether analysts see the properties of log rows: shown or hidden. Grain: one row.
SELECT if(argMax(value, changed_at) = 'hidden', 'hidden', 'shown') AS value
FROM settings
WHERE name = 'analyst_properties'
