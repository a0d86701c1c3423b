-- Damaged parts that the engine has set aside and that nothing stands for: no active part of the table covers their blocks.
-- Grain: part.
SELECT broken.table AS table_name, broken.name AS part, broken.path AS path
FROM
(
    SELECT table, name, path, partition_id, min_block_number, max_block_number
    FROM system.detached_parts
    WHERE database = currentDatabase() AND startsWith(reason, 'broken')
) AS broken
LEFT JOIN
(
    SELECT table, partition_id, groupArray((min_block_number, max_block_number)) AS blocks
    FROM system.parts
    WHERE database = currentDatabase() AND active
    GROUP BY table, partition_id
) AS present ON present.table = broken.table AND present.partition_id = broken.partition_id
WHERE NOT arrayExists(range -> range.1 <= broken.min_block_number AND range.2 >= broken.max_block_number, present.blocks)
ORDER BY table_name, part
