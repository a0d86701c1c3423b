-- Records what was counted in tables and found complete, in the first copy. May be repeated: the largest figures hold.
INSERT INTO expected_rows (table_name, stored_rows, versions, parts, counted)
SELECT figures.1, figures.2, figures.3, ({counted:UInt64}, figures.4), {counted:UInt64}
FROM
(
    SELECT arrayJoin(arrayZip({tables:Array(String)}, {stored_rows:Array(UInt64)}, {versions:Array(UInt64)},
        {parts:Array(UInt64)})) AS figures
)
