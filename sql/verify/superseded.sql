-- Superseded rows whose identity no counted event has, nor one that expired, of a range of hashes: usage that is lost. At most `most`. Grain: row.
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
    AND (source_id, xxh3(event_id), sipHash64(event_id)) GLOBAL NOT IN (
    SELECT own.source_id, expired.id_hash, expired.id_check
    FROM expired_events AS expired
    INNER JOIN (SELECT load_seq, toString(source) AS source_id FROM loads FINAL
        WHERE status = 'committed' AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)) AS own ON own.load_seq = expired.load_seq
    WHERE expired.id_hash GLOBAL IN (SELECT xxh3(event_id) FROM superseded))
ORDER BY load_seq, row_number
LIMIT {most:UInt64}
