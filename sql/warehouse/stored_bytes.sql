-- Bytes that the tables of the current database take of the disk. One row.
SELECT sum(bytes_on_disk) FROM system.parts WHERE database = currentDatabase() AND active
