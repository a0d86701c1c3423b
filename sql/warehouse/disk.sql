-- What the tables of the current database take of the server's disk, and what is free on it. One row.
SELECT
    (SELECT sum(bytes_on_disk) FROM system.parts WHERE database = currentDatabase() AND active) AS disk_bytes,
    (SELECT min(free_space) FROM system.disks) AS disk_free_bytes
