-- Rows of replaced_events, of a range of hashes, that do not say what the row says that they name, or name a row in its place
-- that is not there or has another identity. At most `most`. Grain: row of replaced_events.
WITH
    (names, amounts) -> (queryString(names), arraySort(arrayFilter(part -> part.2 > 0,
        arrayZip(splitByChar(',', cutQueryString(names)), amounts)))) AS usage_of,
    replaced AS
    (
        SELECT *
        FROM replaced_events
        WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted_loads)
            AND id_hash BETWEEN {hash_from:UInt64} AND {hash_to:UInt64}
    ),
    places AS
    (
        SELECT load_seq, row_number FROM replaced
        UNION DISTINCT
        SELECT replaced_load_seq, replaced_row_number FROM replaced
    ),
    stored AS
    (
        SELECT load_seq, row_number, (toString(source), event_id) AS identity, (occurred_at, customer_id, toString(model),
            toString(feature), usage_of(units, quantities)) AS fields
        FROM usage_events
        WHERE (load_seq, row_number) GLOBAL IN places
        UNION ALL
        SELECT load_seq, row_number, (toString(source), event_id) AS identity, (occurred_at, customer_id, toString(model),
            toString(feature), usage_of(units, quantities)) AS fields
        FROM duplicate_events
        WHERE (load_seq, row_number) GLOBAL IN places
    )
SELECT load_seq, row_number, replaced_load_seq, replaced_row_number, toString(source) AS source_id, event_id
FROM replaced
WHERE (replaced_load_seq, replaced_row_number, (toString(source), event_id), (occurred_at, customer_id, toString(model),
            toString(feature), usage_of(units, quantities)))
        GLOBAL NOT IN (SELECT load_seq, row_number, identity, fields FROM stored)
    OR (load_seq, row_number, (toString(source), event_id)) GLOBAL NOT IN (SELECT load_seq, row_number, identity FROM stored)
ORDER BY load_seq, replaced_load_seq, replaced_row_number
LIMIT {most:UInt64}
