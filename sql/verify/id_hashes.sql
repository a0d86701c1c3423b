-- Rows whose hash is not that of their event_id: one of the two has changed since it was written, and no duplicate of the
-- row would be found. Grain: row; as many as are asked for.
SELECT table_name, load_seq, row_number, event_id
FROM
(
    SELECT 'usage_events' AS table_name, load_seq, row_number, event_id FROM usage_events WHERE id_hash != xxh3(event_id)
    UNION ALL
    SELECT 'duplicate_events', load_seq, row_number, event_id FROM duplicate_events WHERE id_hash != xxh3(event_id)
    UNION ALL
    SELECT 'replaced_events', load_seq, row_number, event_id FROM replaced_events WHERE id_hash != xxh3(event_id)
)
ORDER BY table_name, load_seq, row_number
LIMIT {most:UInt64}
