-- Rows of the rollup that are not what the raw events of the given loads, and those that they replace, add up to, at most
-- `most` of them. Grain: load, replaced load, superseded_by, day, customer, what was used, list of units. The maps hold sums by
-- unit, and events under ''.
-- Of days whose rows expired, nothing is compared here, nor of a load whose rows expired by days of another timezone, of which
-- parts are left: expired.sql holds these as a whole.
WITH
-- term gone
    (units, events, listed) -> CAST((arrayConcat([''], splitByChar(',', cutQueryStringAndFragment(units))),
        arrayConcat([toDecimal256(events, 0)], arrayMap(amount -> toDecimal256(amount, 0),
            arrayResize(listed, length(splitByChar(',', cutQueryStringAndFragment(units))))))),
        'Map(String, Decimal(76, 0))') AS sums_of
SELECT load_seq, day_text, customer, used_model, used_feature,
    sums_of(used_units, rolled_events, rolled_listed) AS rolled_sums,
    sums_of(used_units, raw_events, raw_listed) AS raw_sums
FROM
(
    SELECT load_seq, toString(day) AS day_text, customer, used_model, used_feature, used_units,
        sumIf(events, rolled) AS rolled_events, sumIf(events, NOT rolled) AS raw_events,
        sumForEachIf(listed, rolled) AS rolled_listed, sumForEachIf(listed, NOT rolled) AS raw_listed
    FROM
    (
        SELECT load_seq, replaced_load_seq, superseded_by, day, toString(customer_id) AS customer,
            toString(model) AS used_model, toString(feature) AS used_feature, cutFragment(toString(units)) AS used_units,
            true AS rolled, events,
            quantities AS listed
        FROM usage_daily
        WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)}
        UNION ALL
        SELECT load_seq, 0, emptyArrayUInt64(), toDate(occurred_at, {timezone:String}), toString(customer_id),
            toString(model), toString(feature), toString(units), false, toUInt64(1), CAST(quantities, 'Array(UInt128)')
        FROM usage_events
        WHERE load_seq IN {loads:Array(UInt64)} AND NOT is_gone(load_seq, row_number)
        UNION ALL
        SELECT load_seq, 0, superseded_by, toDate(occurred_at, {timezone:String}), toString(customer_id),
            toString(model), toString(feature), toString(units), false, toUInt64(1), CAST(quantities, 'Array(UInt128)')
        FROM duplicate_events
        WHERE load_seq IN {loads:Array(UInt64)}
        UNION ALL
        SELECT load_seq, replaced_load_seq, superseded_by, toDate(occurred_at, {timezone:String}), toString(customer_id),
            toString(model), toString(feature), toString(units), false, toUInt64(1), CAST(quantities, 'Array(UInt128)')
        FROM replaced_events
        WHERE load_seq IN {loads:Array(UInt64)}
    )
    GROUP BY load_seq, replaced_load_seq, superseded_by, day, customer, used_model, used_feature, used_units
    HAVING (rolled_events, rolled_listed) != (raw_events, raw_listed)
        AND NOT (raw_events = 0 AND replaced_load_seq = 0 AND empty(superseded_by)
            AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)
            AND (load_seq, customer, toDate(day)) GLOBAL NOT IN
                (SELECT load_seq, customer_id, day FROM kept_days WHERE load_seq IN {loads:Array(UInt64)}))
        AND NOT (replaced_load_seq = 0 AND empty(superseded_by)
            AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads WHERE timezone != {timezone:String}))
    ORDER BY load_seq, day_text, customer, used_model, used_feature, used_units
    LIMIT {most:UInt64}
)
ORDER BY load_seq, day_text, customer, used_model, used_feature
SETTINGS max_bytes_before_external_group_by = 1000000000
