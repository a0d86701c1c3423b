-- When the warehouse was restored, in RFC 3339, where nothing was posted since. Grain: one row; empty where it was not.
SELECT argMax(value, changed_at) AS restored_at
FROM settings
WHERE name = 'restored_at'
