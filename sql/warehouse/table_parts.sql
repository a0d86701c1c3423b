-- Hash of the parts that a table is made of now. It differs as soon as a part comes, goes or is written again. Grain: table.
SELECT table AS table_name, groupBitXor(cityHash64(partition_id, name, hash_of_all_files)) AS parts
FROM system.parts
WHERE database = currentDatabase() AND active
GROUP BY table
ORDER BY table
