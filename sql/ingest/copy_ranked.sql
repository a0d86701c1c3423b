-- copy_duplicates.sql for loads among which not always the earliest one's row stands: replace_rows.sql has the rule, and has
-- been run for the same range of hashes. What the present load's rows do not replace stands before them.
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
    stored AS
    (
        SELECT event_id, load_seq, row_number,
            (occurred_at, customer_id, model, feature, usage_of(units, quantities)) AS fields,
            size_of(units, quantities) AS size,
            emptyArrayUInt64() AS superseded_by, 0 AS is_expired
        FROM usage_events
        WHERE id_hash GLOBAL IN candidates AND (load_seq = {load_seq:UInt64} OR load_seq GLOBAL IN earlier)
            AND NOT is_gone(load_seq, row_number)
        UNION ALL
        SELECT event_id, load_seq, row_number,
            (occurred_at, customer_id, model, feature, usage_of(units, quantities)) AS fields,
            size_of(units, quantities) AS size,
            superseded_by, 0
        FROM duplicate_events
        WHERE id_hash GLOBAL IN candidates AND load_seq GLOBAL IN earlier
        UNION ALL
        SELECT event_id, load_seq, row_number, (toDateTime64(0, 9, 'UTC'), '', '', '', usage_of('', [toUInt64(0)])),
            toUInt128(0), emptyArrayUInt64(), 1
        FROM expired
    ),
    holders AS
    (
        SELECT
            event_id,
            arraySort(groupUniqArrayIf(load_seq, load_seq != {load_seq:UInt64} AND (event_id, load_seq) GLOBAL NOT IN
                (SELECT event_id, replaced_load_seq FROM replaced_events
                    WHERE load_seq = {load_seq:UInt64} AND id_hash GLOBAL IN candidates))) AS loads_before,
            argMinIf((load_seq, row_number, fields, is_expired), {place:Identifier}, load_seq = {load_seq:UInt64}) AS own,
            anyIf((load_seq, row_number, fields, is_expired), load_seq != {load_seq:UInt64}
                AND NOT hasAny(superseded_by, (SELECT groupArray(load_seq) FROM earlier))
                AND (load_seq, row_number) GLOBAL NOT IN
                    (SELECT replaced_load_seq, replaced_row_number FROM replaced_events
                        WHERE id_hash GLOBAL IN candidates AND load_seq GLOBAL IN earlier)) AS stood
        FROM
        (
            SELECT *, row_number AS first_place, bitNot(row_number) AS last_place,
                bitShiftLeft(bitNot(size), 64) + row_number AS largest_place
            FROM stored
        )
        GROUP BY event_id
        HAVING count() > 1
    )
SELECT
    event.load_seq,
    event.row_number,
    if((event.occurred_at, event.customer_id, event.model, event.feature,
            usage_of(event.units, event.quantities)) = holder.first.3
        OR holder.first.4 = 1 OR {partial:Bool} AND (event.customer_id, event.model, event.feature)
            = (holder.first.3.2, holder.first.3.3, holder.first.3.4),
        'duplicate', 'conflict'),
    if(event.row_number != holder.own.2, arrayPushBack(holder.loads_before, event.load_seq), holder.loads_before),
    holder.first.1,
    holder.first.2,
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
GLOBAL INNER JOIN (SELECT *, if(empty(loads_before), own, stood) AS first FROM holders) AS holder ON event.event_id = holder.event_id
WHERE event.load_seq = {load_seq:UInt64} AND event.id_hash GLOBAL IN candidates
    AND (event.row_number != holder.own.2 OR notEmpty(holder.loads_before))
