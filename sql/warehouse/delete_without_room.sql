-- What keeps a DELETE waiting: the engine puts a part off while it cannot reserve its size and a tenth, at least 1 MiB.
-- Every part counts, also one that has none of the rows. Grain: one row for the largest such part, none where the DELETE
-- goes on.
SELECT
    greatest(intDiv(bytes_on_disk * 11, 10), 1048576) AS needed_bytes,
    (SELECT max(free_space) FROM system.disks) AS free_bytes
FROM system.parts
WHERE active AND database = currentDatabase() AND (table, name) IN (
        SELECT table, arrayJoin(parts_to_do_names) FROM system.mutations WHERE database = currentDatabase() AND is_done = 0
    )
    AND needed_bytes > free_bytes
ORDER BY needed_bytes DESC
LIMIT 1
