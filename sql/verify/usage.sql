-- Customers whose stored spend does not hold exactly their raw events before an instant, at most `most`. Grain: customer.
-- Input: counted (load_seq). It is a way of its own from the rows to the figures: no rollup (but of loads whose rows
-- expired), no periods, no prices. The maps
-- hold sums by unit, and events under ''; what is replaced is added as its negative.
WITH
    (name, amount) -> toDecimal256(amount, 0) * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9))
        AS quantity_of,
    (SELECT groupArray(load_seq) FROM counted) AS counted_loads,
    raw AS
    (
        SELECT customer_id, sign, toString(units) AS used_units, count() AS events,
            sumForEach(CAST(quantities, 'Array(UInt128)')) AS listed
        FROM
        (
            SELECT toString(customer_id) AS customer_id, 1 AS sign, units, quantities
            FROM usage_events
            WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted) AND occurred_at < {as_of:DateTime64(9, 'UTC')}
                AND load_seq GLOBAL NOT IN (SELECT load_seq FROM expired_loads)
            UNION ALL
            SELECT toString(customer_id) AS customer_id, 1 AS sign, units, quantities
            FROM duplicate_events
            WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted) AND occurred_at < {as_of:DateTime64(9, 'UTC')}
                AND NOT hasAny(superseded_by, counted_loads)
            UNION ALL
            SELECT toString(customer_id) AS customer_id, -1 AS sign, units, quantities
            FROM replaced_events
            WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted) AND replaced_load_seq GLOBAL IN (SELECT load_seq FROM counted)
                AND occurred_at < {as_of:DateTime64(9, 'UTC')} AND NOT hasAny(superseded_by, counted_loads)
        )
        GROUP BY customer_id, sign, used_units
        UNION ALL
        SELECT toString(customer_id) AS customer_id, 1 AS sign, toString(units) AS used_units, sum(usage_daily.events) AS events,
            sumForEach(quantities) AS listed
        FROM usage_daily
        WHERE timezone = {timezone:String} AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)
            AND load_seq GLOBAL IN (SELECT load_seq FROM counted) AND replaced_load_seq = 0 AND empty(superseded_by)
        GROUP BY customer_id, used_units
    )
SELECT customer,
    CAST((groupArray(unit), groupArray(stored_amount)), 'Map(String, Decimal(76, 9))') AS stored_sums,
    CAST((groupArray(unit), groupArray(raw_amount)), 'Map(String, Decimal(76, 9))') AS raw_sums
FROM
(
    SELECT customer, unit, sumIf(amount, stored) AS stored_amount, sumIf(amount, NOT stored) AS raw_amount
    FROM
    (
        SELECT toString(customer_id) AS customer, true AS stored, replaceOne(part.1, '.nano', '') AS unit, toDecimal256(part.2, 9) AS amount
        FROM period_spend
        ARRAY JOIN arrayConcat([('', toDecimal256(events, 9))],
            arrayZip(mapKeys(quantities), mapValues(quantities))) AS part
        WHERE run_seq = (SELECT max(run_seq) FROM aggregate_runs)
        UNION ALL
        SELECT customer_id AS customer, false AS stored, replaceOne(part.1, '.nano', '') AS unit,
            toDecimal256(sign, 0) * quantity_of(part.1, part.2) AS amount
        FROM raw
        ARRAY JOIN arrayConcat([('', toUInt128(events))], arrayZip(splitByChar(',', cutQueryStringAndFragment(used_units)), listed)) AS part
    )
    GROUP BY customer, unit
    HAVING stored_amount != raw_amount AND customer NOT IN {changed:Array(String)}
)
GROUP BY customer
ORDER BY customer
LIMIT {most:UInt64}
