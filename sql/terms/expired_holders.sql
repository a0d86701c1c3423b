-- Rows of earlier loads that expired and have the identity of a row of the present load, by 128 bits of hashes. What they said
-- is gone: they stand before every row of the present load. Inputs: load_seq, candidates and earlier, as the statement has them.
    expired AS
    (
        SELECT gone.load_seq AS load_seq, gone.row_number AS row_number, own.event_id AS event_id
        FROM (SELECT load_seq, row_number, id_hash, id_check FROM expired_events
            WHERE id_hash GLOBAL IN candidates AND load_seq GLOBAL IN earlier
                AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)) AS gone
        INNER JOIN
        (
            SELECT DISTINCT event_id, id_hash, sipHash64(event_id) AS id_check
            FROM usage_events
            WHERE load_seq = {load_seq:UInt64} AND id_hash GLOBAL IN candidates
        ) AS own ON own.id_hash = gone.id_hash AND own.id_check = gone.id_check
    ),
