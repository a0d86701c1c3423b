-- The objects of those of some loads that are made of many, with the number in the load of the first row of each. Grain: object
-- of a load. Input: loads.
SELECT object.load_seq AS load_seq, object.url AS url, object.first_row AS first_row
FROM load_objects AS object
INNER JOIN (SELECT load_seq, file FROM loads FINAL WHERE load_seq IN {loads:Array(UInt64)}) AS load
    ON load.load_seq = object.load_seq
WHERE object.load_seq IN {loads:Array(UInt64)} AND object.rows > 0 AND object.url != load.file
ORDER BY load_seq, first_row
