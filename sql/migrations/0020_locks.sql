-- Locks are in the table locks, by compare-and-set (sql/warehouse/create_locks.sql, made before migrations are). A creditmill of
-- before this that still runs cannot renew its lease from here on, and ends.
DROP TABLE IF EXISTS leases
