-- The catalogs that closed time keeps. Grain: catalog.
SELECT catalog_sha, any(text) AS text
FROM catalogs
WHERE catalog_sha GLOBAL IN (SELECT catalog_sha FROM closed_periods)
GROUP BY catalog_sha
ORDER BY catalog_sha
