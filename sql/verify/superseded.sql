-- Superseded rows whose identity no counted event has, of a range of hashes: usage that is lost. At most `most`. Grain: row.
WITH superseded AS
(
    SELECT toString(source) AS source_id, event_id, load_seq, row_number
    FROM v_duplicates
    WHERE cityHash64(toString(source), event_id) BETWEEN {hash_from:UInt64} AND {hash_to:UInt64}
)
SELECT source_id, event_id, load_seq, row_number
FROM superseded
WHERE (source_id, event_id) GLOBAL NOT IN (
    SELECT toString(source), event_id
    FROM v_events
    WHERE (toString(source), event_id) GLOBAL IN (SELECT source_id, event_id FROM superseded))
ORDER BY load_seq, row_number
LIMIT {most:UInt64}
