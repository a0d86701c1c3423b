-- Rows of the present load, of one range of hashes, that the source's keep would count instead of an earlier load's row, were
-- both in one file: the load's own row of the identity is there, and with keep largest it has no fewer tokens. Grain: one row:
-- how many, their tokens less those of the rows that stand, and some of the loads that hold those.
WITH own AS
(
    SELECT first_load_seq, first_row_number,
        toInt256(input_tokens) + cached_input_tokens + cache_write_tokens + output_tokens + reasoning_tokens AS own_tokens
    FROM duplicate_events
    WHERE load_seq = {load_seq:UInt64} AND id_hash BETWEEN {hash_from:UInt64} AND {hash_to:UInt64}
        AND kind = 'conflict' AND NOT has(superseded_by, load_seq)
)
SELECT count(), sum(own_tokens - standing_tokens), arraySort(groupUniqArray(5)(first_load_seq))
FROM own
INNER JOIN
(
    SELECT load_seq, row_number,
        toInt256(input_tokens) + cached_input_tokens + cache_write_tokens + output_tokens + reasoning_tokens AS standing_tokens
    FROM usage_events
    WHERE (load_seq, row_number) IN (SELECT first_load_seq, first_row_number FROM own)
    UNION ALL
    SELECT load_seq, row_number,
        toInt256(input_tokens) + cached_input_tokens + cache_write_tokens + output_tokens + reasoning_tokens
    FROM duplicate_events
    WHERE (load_seq, row_number) IN (SELECT first_load_seq, first_row_number FROM own)
) AS standing ON standing.load_seq = own.first_load_seq AND standing.row_number = own.first_row_number
WHERE {keep:String} = 'last' OR own_tokens >= standing_tokens
