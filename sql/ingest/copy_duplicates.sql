-- Copies the rows of the present load whose identity was there before to duplicate_events, of one range of hashes: in an
-- earlier committed load of the source, or in a row before it in the same file. Hashes only choose what is compared; the
-- comparison is of the event_id itself, within one source. Equal in everything but properties is a duplicate. place is the
-- order of rows as one number: by a tuple, argMin handles each row's fields one by one and takes half as long again. It begins
-- with 0 for the row that stands among the committed loads, 1 for those that it superseded, 2 for those of the present load:
-- loads need not have been committed in the order of their numbers. Of a row that expired, what it said is not known, and a
-- repetition is a duplicate.
-- Where the last or largest row is kept (partial), other counts of the same call are no contradiction, either.
-- The earliest load's row stands, and of several in one load the first, the last or the one with most tokens, the first of
-- equals: place is first_place, last_place or largest_place. Where a later load's row may stand, copy_ranked.sql is used.
INSERT INTO duplicate_events (load_seq, row_number, kind, superseded_by, first_load_seq, first_row_number, source, event_id,
    id_hash, occurred_at, customer_id, model, feature, units, quantities, properties)
WITH
-- term gone
    (names, amounts) -> (queryString(names), arraySort(arrayFilter(part -> part.2 > 0,
        arrayZip(splitByChar(',', cutQueryString(names)), amounts)))) AS usage_of,
    (names, amounts) -> arraySum(arrayMap((name, amount) -> toUInt128(amount) * if(endsWith(name, '.nano'), 1, 1000000000),
        splitByChar(',', cutQueryString(names)), amounts)) AS size_of,
    candidates AS
    (
        SELECT id_hash FROM candidate_ids WHERE id_hash BETWEEN {hash_from:UInt64} AND {hash_to:UInt64}
    ),
    earlier AS
    (
        SELECT load_seq
        FROM loads FINAL
        WHERE status = 'committed' AND source = {source:String} AND rows_loaded + rows_duplicate + rows_conflict > 0
            AND event_id_max >= {event_id_min:String} AND event_id_min <= {event_id_max:String}
    ),
-- term expired_holders
    holders AS
    (
        SELECT
            event_id,
            argMin(is_expired, {place:Identifier}) AS first_expired,
            arraySort(groupUniqArrayIf(load_seq, load_seq != {load_seq:UInt64})) AS loads_before,
            argMinIf(row_number, {place:Identifier}, load_seq = {load_seq:UInt64}) AS own_kept,
            argMin(load_seq, {place:Identifier}) AS first_load,
            argMin(row_number, {place:Identifier}) AS first_row,
            argMin(occurred_at, {place:Identifier}) AS first_occurred_at,
            argMin(customer_id, {place:Identifier}) AS first_customer_id,
            argMin(model, {place:Identifier}) AS first_model,
            argMin(feature, {place:Identifier}) AS first_feature,
            argMin(usage, {place:Identifier}) AS first_usage
        FROM
        (
            SELECT load_seq, row_number, event_id, occurred_at, customer_id, model, feature,
                usage_of(units, quantities) AS usage, 0 AS is_expired,
                if(load_seq = {load_seq:UInt64}, 2, 0) AS standing,
                bitShiftLeft(toUInt128(standing), 64) + row_number AS first_place,
                bitShiftLeft(toUInt128(standing), 64) + bitNot(row_number) AS last_place,
                bitShiftLeft(toUInt256(standing), 192) + toUInt256(row_number)
                    + bitShiftLeft(toUInt256(bitNot(size_of(units, quantities))), 64) AS largest_place
            FROM usage_events
            WHERE id_hash GLOBAL IN candidates AND (load_seq = {load_seq:UInt64} OR load_seq GLOBAL IN earlier)
                AND NOT is_gone(load_seq, row_number)
            UNION ALL
            SELECT load_seq, row_number, event_id, occurred_at, customer_id, model, feature,
                usage_of(units, quantities) AS usage, 0 AS is_expired,
                if(hasAny(superseded_by, (SELECT groupArray(load_seq) FROM earlier)), 1, 0) AS standing,
                bitShiftLeft(toUInt128(standing), 64) + row_number AS first_place,
                bitShiftLeft(toUInt128(standing), 64) + bitNot(row_number) AS last_place,
                bitShiftLeft(toUInt256(standing), 192) + toUInt256(row_number)
                    + bitShiftLeft(toUInt256(bitNot(size_of(units, quantities))), 64) AS largest_place
            FROM duplicate_events
            WHERE id_hash GLOBAL IN candidates AND load_seq GLOBAL IN earlier
            UNION ALL
            SELECT load_seq, row_number, event_id, toDateTime64(0, 9, 'UTC'), '', '', '', usage_of('', [toUInt64(0)]), 1, 0,
                toUInt128(row_number), toUInt128(bitNot(row_number)), toUInt256(row_number)
            FROM expired
        )
        GROUP BY event_id
        HAVING count() > 1
    )
SELECT
    event.load_seq,
    event.row_number,
    if((event.occurred_at, event.customer_id, event.model, event.feature,
            usage_of(event.units, event.quantities))
        = (first_occurred_at, first_customer_id, first_model, first_feature, first_usage)
        OR first_expired OR {partial:Bool} AND (event.customer_id, event.model, event.feature) = (first_customer_id, first_model, first_feature),
        'duplicate', 'conflict') AS kind,
    if(event.row_number != holder.own_kept, arrayPushBack(holder.loads_before, event.load_seq), holder.loads_before),
    holder.first_load,
    holder.first_row,
    event.source,
    event.event_id,
    event.id_hash,
    event.occurred_at,
    event.customer_id,
    event.model,
    event.feature,
    event.units,
    event.quantities,
    event.properties
FROM usage_events AS event
GLOBAL INNER JOIN holders AS holder ON event.event_id = holder.event_id
WHERE event.load_seq = {load_seq:UInt64} AND event.id_hash GLOBAL IN candidates
    AND (event.row_number != holder.own_kept OR notEmpty(holder.loads_before))
