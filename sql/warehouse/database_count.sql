-- 1 where the database is there and may be seen, else 0. Input: database.
SELECT count() FROM system.databases WHERE name = {database:String}
