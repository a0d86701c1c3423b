-- What the given loads would lose and keep, by their raw rows, and what was written of it: identities and kept days, with the
-- rows and sums by unit that their roll-up and their commit have. Grain: load. The maps hold sums by unit as text.
WITH
    (name, amount) -> toDecimal256(amount, 0) * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9))
        AS quantity_of,
    kept AS (SELECT load_seq, customer_id, day FROM kept_days WHERE load_seq IN {loads:Array(UInt64)}),
    -- One row for each load, side and unit; unit '' counts rows.
    parts AS
    (
        SELECT load_seq, side, replaceOne(part.1, '.nano', '') AS unit, quantity_of(part.1, part.2) AS amount
        FROM
        (
            SELECT load_seq, if((load_seq, customer_id, toDate(occurred_at, {timezone:String})) GLOBAL IN kept, 'kept', 'removed') AS side,
                toString(units) AS used_units, toUInt128(count()) AS rows, sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
            FROM usage_events
            WHERE load_seq IN {loads:Array(UInt64)}
            GROUP BY load_seq, side, used_units
            UNION ALL
            SELECT load_seq, 'rolled', toString(units) AS used_units, toUInt128(sum(events)), sumForEach(quantities)
            FROM usage_daily
            WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)} AND replaced_load_seq = 0
                AND empty(superseded_by)
            GROUP BY load_seq, used_units
        )
        ARRAY JOIN arrayConcat([('', rows)], arrayZip(splitByChar(',', cutQueryStringAndFragment(used_units)), listed)) AS part
    ),
    by_unit AS
    (
        SELECT load_seq, unit, sumIf(amount, side = 'removed') AS removed, sumIf(amount, side = 'kept') AS kept_amount,
            sumIf(amount, side = 'rolled') AS rolled
        FROM parts
        GROUP BY load_seq, unit
    ),
    sums AS
    (
        SELECT load_seq,
            toUInt64(sumIf(removed, unit = '')) AS rows_removed,
            toUInt64(sumIf(kept_amount, unit = '')) AS rows_kept,
            CAST((groupArrayIf(unit, unit != '' AND removed > 0), groupArrayIf(removed, unit != '' AND removed > 0)),
                'Map(String, Decimal(76, 9))') AS quantities,
            countIf(rolled != removed + kept_amount) AS differing
        FROM by_unit
        GROUP BY load_seq
    ),
    spans AS
    (
        SELECT load_seq, sum(id_hash) AS checksum, min(occurred_at) AS occurred_from, max(occurred_at) AS occurred_to,
            min(event_id) AS event_id_min, max(event_id) AS event_id_max
        FROM usage_events
        WHERE load_seq IN {loads:Array(UInt64)}
            AND (load_seq, customer_id, toDate(occurred_at, {timezone:String})) GLOBAL NOT IN kept
        GROUP BY load_seq
    ),
    written AS
    (
        SELECT load_seq, count() AS identities, sum(id_hash) AS identities_sum
        FROM expired_events
        WHERE load_seq IN {loads:Array(UInt64)}
        GROUP BY load_seq
    ),
    days AS
    (
        SELECT load_seq, count() AS days_kept FROM kept GROUP BY load_seq
    )
SELECT sums.load_seq AS load_seq, sums.rows_removed AS rows_removed, sums.rows_kept AS rows_kept, days.days_kept AS days_kept,
    sums.quantities AS quantities, spans.checksum AS checksum, spans.occurred_from AS occurred_from,
    spans.occurred_to AS occurred_to, spans.event_id_min AS event_id_min, spans.event_id_max AS event_id_max,
    sums.differing AS differing, written.identities AS identities, written.identities_sum AS identities_sum,
    own.rows_loaded AS rows_loaded
FROM sums
INNER JOIN (SELECT load_seq, rows_loaded FROM loads FINAL WHERE status = 'committed') AS own ON own.load_seq = sums.load_seq
LEFT JOIN spans ON spans.load_seq = sums.load_seq
LEFT JOIN written ON written.load_seq = sums.load_seq
LEFT JOIN days ON days.load_seq = sums.load_seq
ORDER BY load_seq
SETTINGS join_use_nulls = 0
