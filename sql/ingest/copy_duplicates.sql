-- Copies the rows of the present load whose identity was there before to duplicate_events, of one range of hashes: in an
-- earlier committed load of the source, or in a row before it in the same file. Hashes only choose what is compared; the
-- comparison is of the event_id itself, within one source. Equal in everything but properties is a duplicate.
INSERT INTO duplicate_events (load_seq, row_number, kind, superseded_by, first_load_seq, first_row_number, source, event_id,
    id_hash, occurred_at, customer_id, model, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens,
    reasoning_tokens, properties)
WITH
    candidates AS
    (
        SELECT id_hash FROM candidate_ids WHERE id_hash BETWEEN {hash_from:UInt64} AND {hash_to:UInt64}
    ),
    earlier AS
    (
        SELECT load_seq
        FROM loads FINAL
        WHERE status = 'committed' AND source = {source:String} AND rows_read > rows_rejected
            AND event_id_max >= {event_id_min:String} AND event_id_min <= {event_id_max:String}
    ),
    holders AS
    (
        SELECT
            event_id,
            arraySort(groupUniqArrayIf(load_seq, load_seq != {load_seq:UInt64})) AS loads_before,
            minIf(row_number, load_seq = {load_seq:UInt64}) AS own_first,
            argMin(
                (load_seq, row_number, occurred_at, customer_id, model, input_tokens, cached_input_tokens,
                    cache_write_tokens, output_tokens, reasoning_tokens),
                (load_seq, row_number)) AS first
        FROM
        (
            SELECT load_seq, row_number, event_id, id_hash, occurred_at, customer_id, model, input_tokens,
                cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
            FROM usage_events
            WHERE id_hash IN candidates AND (load_seq = {load_seq:UInt64} OR load_seq IN earlier)
            UNION ALL
            SELECT load_seq, row_number, event_id, id_hash, occurred_at, customer_id, model, input_tokens,
                cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
            FROM duplicate_events
            WHERE id_hash IN candidates AND load_seq IN earlier
        )
        GROUP BY event_id
        HAVING count() > 1
    )
SELECT
    event.load_seq,
    event.row_number,
    if((event.occurred_at, event.customer_id, event.model, event.input_tokens, event.cached_input_tokens,
            event.cache_write_tokens, event.output_tokens, event.reasoning_tokens)
        = (first.3, first.4, first.5, first.6, first.7, first.8, first.9, first.10), 'duplicate', 'conflict') AS kind,
    if(event.row_number > holder.own_first, arrayPushBack(holder.loads_before, event.load_seq), holder.loads_before),
    first.1,
    first.2,
    event.source,
    event.event_id,
    event.id_hash,
    event.occurred_at,
    event.customer_id,
    event.model,
    event.input_tokens,
    event.cached_input_tokens,
    event.cache_write_tokens,
    event.output_tokens,
    event.reasoning_tokens,
    event.properties
FROM usage_events AS event
INNER JOIN holders AS holder ON event.event_id = holder.event_id
WHERE event.load_seq = {load_seq:UInt64} AND event.id_hash IN candidates
    AND (event.row_number > holder.own_first OR notEmpty(holder.loads_before))
