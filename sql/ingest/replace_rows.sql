-- Finds the rows of earlier loads whose place the present load's rows take by the source's keep, of one range of hashes.
-- The committed loads that hold an identity stand in an order, of which the first counts: a row's rank is how many
-- of them stand before it. The present load's row goes before the first one that it beats: with keep last, that differs in
-- anything but properties; with keep largest, that has fewer tokens. It takes the place of that one and all behind it. A row
-- that is being removed because it is old is as good as gone.
INSERT INTO replaced_events (load_seq, row_number, replaced_load_seq, replaced_row_number, superseded_by, source, event_id,
    id_hash, occurred_at, customer_id, model, feature, units, quantities)
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
    own AS
    (
        SELECT event_id, argMin(row_number, {place:Identifier}) AS own_row, argMin(fields, {place:Identifier}) AS own_fields,
            argMin(size, {place:Identifier}) AS own_size
        FROM
        (
            SELECT event_id, row_number,
                (occurred_at, customer_id, model, feature, usage_of(units, quantities)) AS fields,
                size_of(units, quantities) AS size,
                row_number AS first_place,
                bitNot(row_number) AS last_place,
                bitShiftLeft(bitNot(size), 64) + row_number AS largest_place
            FROM usage_events
            WHERE load_seq = {load_seq:UInt64} AND id_hash GLOBAL IN candidates
        )
        GROUP BY event_id
    ),
    replacing AS
    (
        SELECT replaced_load_seq, replaced_row_number, groupArray(load_seq) AS replaced_by
        FROM replaced_events
        WHERE id_hash GLOBAL IN candidates AND load_seq GLOBAL IN earlier
        GROUP BY replaced_load_seq, replaced_row_number
    ),
    holders AS
    (
        SELECT *, arrayConcat(superseded_by, replaced_by) AS loads_above,
            arrayCount(load -> has((SELECT groupArray(load_seq) FROM earlier), load), loads_above) AS rank
        FROM
        (
            SELECT load_seq, row_number, emptyArrayUInt64() AS superseded_by, source, event_id, id_hash, occurred_at,
                customer_id, model, feature, units, quantities
            FROM usage_events
            WHERE id_hash GLOBAL IN candidates AND load_seq GLOBAL IN earlier AND NOT is_gone(load_seq, row_number)
            UNION ALL
            SELECT load_seq, row_number, superseded_by, source, event_id, id_hash, occurred_at,
                customer_id, model, feature, units, quantities
            FROM duplicate_events
            WHERE id_hash GLOBAL IN candidates AND load_seq GLOBAL IN earlier AND NOT has(superseded_by, load_seq)
        ) AS stored
        LEFT JOIN replacing ON replacing.replaced_load_seq = stored.load_seq
            AND replacing.replaced_row_number = stored.row_number
    )
SELECT {load_seq:UInt64}, own_row, load_seq, row_number, loads_above, source, event_id, id_hash, occurred_at, customer_id,
    model, feature, units, quantities
FROM
(
    SELECT holders.*, own.own_row AS own_row,
        min(if(if({keep:String} = 'last',
            (occurred_at, customer_id, model, feature, usage_of(units, quantities)) != own.own_fields,
            size_of(units, quantities) < own.own_size),
            rank, 18446744073709551615)) OVER (PARTITION BY event_id) AS first_beaten
    FROM holders
    INNER JOIN own ON own.event_id = holders.event_id
)
WHERE rank >= first_beaten
SETTINGS join_use_nulls = 0
