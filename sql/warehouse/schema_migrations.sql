-- Applied migrations. Grain: migration, in order.
SELECT number, name, sha256, applied_at
FROM schema_migrations FINAL
ORDER BY number
