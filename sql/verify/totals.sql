-- Totals that are not what the rollup of their loads adds up to in their span of days, and days that are in none, at most
-- `most`. Grain: customer, what was used, list of units, first day (1970-01-01
-- where events are told apart by tests: there spans may overlap). The maps hold sums by unit, and events under ''.
WITH
    amounts -> arrayMap(amount -> toUInt128(-toInt128(amount)), amounts) AS negative,
    (units, events, listed) -> CAST((arrayConcat([''], splitByChar(',', cutQueryStringAndFragment(units))),
        arrayConcat([toDecimal256(events, 0)], arrayMap(amount -> toDecimal256(amount, 0),
            arrayResize(listed, length(splitByChar(',', cutQueryStringAndFragment(units))))))),
        'Map(String, Decimal(76, 0))') AS sums_of
SELECT customer, used_model, used_feature, day_text,
    sums_of(used_units, totalled_events, totalled_listed) AS totalled_sums,
    sums_of(used_units, rolled_events, rolled_listed) AS rolled_sums
FROM
(
    SELECT customer, used_model, used_feature, used_units, toString(from_day) AS day_text,
        sumIf(events, totalled) AS totalled_events, sumIf(events, NOT totalled) AS rolled_events,
        sumForEachIf(listed, totalled) AS totalled_listed, sumForEachIf(listed, NOT totalled) AS rolled_listed
    FROM
    (
        SELECT toString(customer_id) AS customer, toString(model) AS used_model, toString(feature) AS used_feature,
            cutFragment(toString(units)) AS used_units, if(position(units, '#') > 0, toDate(0), first_day) AS from_day,
            true AS totalled, events, quantities AS listed
        FROM usage_totals
        WHERE totals_seq = {totals_seq:UInt64}
        UNION ALL
        SELECT daily.customer, daily.used_model, daily.used_feature, daily.used_units,
            multiIf(daily.any_tests, toDate(0), daily.day <= spans.last_day, spans.first_day, daily.day),
            false, daily.events, daily.listed
        FROM
        (
            SELECT toString(customer_id) AS customer, toString(model) AS used_model, toString(feature) AS used_feature,
                cutFragment(toString(units)) AS used_units, position(units, '#') > 0 AS any_tests, day,
                if(replaced_load_seq = 0, events, toUInt64(-toInt64(events))) AS events,
                if(replaced_load_seq = 0, quantities, negative(quantities)) AS listed
            FROM usage_daily
            WHERE timezone = {timezone:String} AND load_seq IN {loads:Array(UInt64)} AND empty(superseded_by)
                AND (replaced_load_seq = 0 OR replaced_load_seq IN {loads:Array(UInt64)})
        ) AS daily
        ASOF LEFT JOIN
        (
            SELECT toString(customer_id) AS customer, toString(model) AS used_model, toString(feature) AS used_feature,
                toString(units) AS used_units, first_day, last_day
            FROM usage_totals
            WHERE totals_seq = {totals_seq:UInt64}
        ) AS spans ON spans.customer = daily.customer AND spans.used_model = daily.used_model
            AND spans.used_feature = daily.used_feature AND spans.used_units = daily.used_units
            AND daily.day >= spans.first_day
    )
    GROUP BY customer, used_model, used_feature, used_units, from_day
    HAVING totalled_events != rolled_events
        OR arrayExists(amount -> amount != 0, sumForEach(if(totalled, listed, negative(listed))))
    ORDER BY customer, used_model, used_feature, used_units, from_day
    LIMIT {most:UInt64}
)
ORDER BY customer, used_model, used_feature, day_text
SETTINGS max_bytes_before_external_group_by = 1000000000, join_use_nulls = 0
