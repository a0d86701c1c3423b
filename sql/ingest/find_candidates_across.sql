-- Hashes of identities that are in the present load and in an earlier committed one, of one range of hashes. Rows that
-- are duplicates there count as well: the row they are duplicates of may have been withdrawn since. So do those that expired.
INSERT INTO candidate_ids
SELECT DISTINCT id_hash
FROM
(
    SELECT load_seq, id_hash FROM usage_events
    UNION ALL
    SELECT load_seq, id_hash FROM duplicate_events
    UNION ALL
    SELECT load_seq, id_hash FROM expired_events
)
WHERE load_seq GLOBAL IN
    (
        SELECT load_seq
        FROM loads FINAL
        WHERE status = 'committed' AND source = {source:String} AND rows_loaded + rows_duplicate + rows_conflict > 0
            AND event_id_max >= {event_id_min:String} AND event_id_min <= {event_id_max:String}
    )
    AND id_hash BETWEEN {hash_from:UInt64} AND {hash_to:UInt64}
    AND id_hash GLOBAL IN
    (
        SELECT id_hash
        FROM usage_events
        WHERE load_seq = {load_seq:UInt64} AND id_hash BETWEEN {hash_from:UInt64} AND {hash_to:UInt64}
    )
