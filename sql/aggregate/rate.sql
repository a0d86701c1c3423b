-- Spend per customer, slice and what was used, and with by_day accounting day. Grain: up to one row per path (rollup, raw),
-- list of units and, for what is rated row by row, set of units that an event has; add the rows up. Without by_day, day is
-- 1970-01-01. Sums of quantities are in the order of units, as their low and high 64 bits (high empty: all 0).
-- Inputs: counted (load_seq, rolled, totalled, daily, expired), unfit, alone, slices, split_days and rates; the customers named by the
-- parameters. A customer without slices of its own uses those of timeline ''. Usage comes from the rollup: from its totals
-- for totalled loads, but not for unfit customers, of whom a boundary divides some total. It comes from the raw events for
-- loads not rolled up, days split by a boundary (which exact totals hold, too), and what is in alone: of it an event may be
-- priced in part; all_raw says that there is such, or unfit customers, so that totalled loads are read. Expired loads have
-- raw rows of split days alone: all else of them is in the rollup, and none of their usage is alone. The section
-- any_exact is for whatever has an instant of its own.
-- Events that later loads replace are added as their negative, modulo 2^64 and 2^128. The event that one takes off may come
-- by another path, so the paths are added up where any_replaced says that there are some.
-- Which tests of prices an event passes stands behind its list of units: in the rollup and in totals, if they know it, and
-- else by what is told of raw events. Inputs for it: tested, contexts (the least context with an outcome) and hours.
-- What costs the same under all circumstances (alike) is listed without them.
-- Who is asked for stands once, outside of the reads: the engine takes it into each of them, and to their keys.
-- known is 0 where rates lack what was used: that must not be.
-- Guarantees: each event that counts before the last slice's end is in exactly one row; boundaries are half-open.
WITH
-- term first
    (customer_id) -> {everyone:Bool} OR customer_id IN {customers:Array(String)} AS asked_for,
-- term slices
    (model, feature) -> (model, feature) GLOBAL IN (SELECT model, feature FROM alone) AS is_alone,
    (load_seq, model, feature) -> is_alone(model, feature)
        AND load_seq GLOBAL NOT IN (SELECT load_seq FROM counted WHERE expired = 1) AS is_by_row,
    (load_seq, model, feature) -> load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 0)
        OR is_by_row(load_seq, model, feature) AS is_raw,
    (model, feature, units) -> if({any_alike:Bool} AND (model, feature) GLOBAL IN (SELECT model, feature FROM alike),
        cutQueryStringAndFragment(toString(units)), toString(units)) AS listed,
    amounts -> arrayStringConcat(arrayMap(amount -> if(amount > 0, '1', '0'), amounts)) AS present_in,
-- term context_of
    daily AS
    (
        SELECT timeline, toString(customer_id) AS customer, toString(model) AS used_model, toString(feature) AS used_feature,
            listed(model, feature, units) AS used_units, day, last_day, events, quantities
        FROM
        (
            SELECT timeline_of(customer_id) AS timeline, customer_id, model, feature, units, day, day AS last_day, events,
                quantities
            FROM usage_daily
            WHERE timezone = {timezone:String}
                AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE daily = 1) AND replaced_load_seq = 0
                AND is_first(superseded_by)
                AND NOT is_split(timeline, day) AND (lacks_totals(load_seq, customer_id) OR notEmpty(superseded_by))
                AND NOT is_by_row(load_seq, model, feature)
-- if any_replaced
            UNION ALL
            SELECT timeline_of(customer_id) AS timeline, customer_id, model, feature, units, day, day,
                toUInt64(-toInt64(events)), negative(quantities)
            FROM usage_daily
            WHERE timezone = {timezone:String}
                AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE daily = 1)
                AND replaced_load_seq GLOBAL IN (SELECT load_seq FROM counted) AND is_first(superseded_by)
                AND NOT is_split(timeline, day) AND (lacks_totals(load_seq, customer_id) OR notEmpty(superseded_by))
                AND NOT is_by_row(load_seq, model, feature)
-- end if
            UNION ALL
            SELECT timeline_of(customer_id), customer_id, model, feature, units, first_day, last_day, events, quantities
            FROM usage_totals
            WHERE totals_seq = {totals_seq:UInt64} AND NOT exact AND customer_id GLOBAL NOT IN (SELECT customer_id FROM unfit)
                AND NOT is_alone(model, feature)
        )
        WHERE asked_for(customer_id)
    ),
-- if any_exact
    raw AS
    (
        SELECT timeline, toString(customer_id) AS customer, toString(model) AS used_model, toString(feature) AS used_feature,
            listed(model, feature, units) AS used_units, occurred_at, day,
            if(is_alone(model, feature), present_in(quantities), '') AS present, events, context, quantities
        FROM
        (
            SELECT timeline_of(customer_id) AS timeline, customer_id, model, feature, units, occurred_at,
                toDate(occurred_at, {timezone:String}) AS day, toUInt64(1) AS events,
                context_of(units, usage_events.quantities) AS context, CAST(quantities, 'Array(UInt128)') AS quantities
            FROM usage_events
            WHERE {any_raw:Bool}
                AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE totalled = 0 OR {all_raw:Bool})
                AND (is_raw(load_seq, model, feature) OR is_split(timeline, day) AND lacks_totals(load_seq, customer_id))
            UNION ALL
            SELECT timeline_of(customer_id) AS timeline, customer_id, model, feature, units, occurred_at,
                toDate(occurred_at, {timezone:String}) AS day, 1, context_of(units, quantities),
                CAST(quantities, 'Array(UInt128)')
            FROM duplicate_events
            WHERE {any_raw:Bool}
                AND load_seq GLOBAL IN (SELECT load_seq FROM counted) AND is_first(superseded_by)
                AND (is_raw(load_seq, model, feature) OR is_split(timeline, day))
-- end if
-- if any_replaced_exact
            UNION ALL
            SELECT timeline_of(customer_id) AS timeline, customer_id, model, feature, units, occurred_at,
                toDate(occurred_at, {timezone:String}) AS day, toUInt64(-1), context_of(units, quantities), negative(quantities)
            FROM replaced_events
            WHERE {any_raw:Bool}
                AND load_seq GLOBAL IN (SELECT load_seq FROM counted)
                AND replaced_load_seq GLOBAL IN (SELECT load_seq FROM counted) AND is_first(superseded_by)
                AND (is_raw(load_seq, model, feature)
                    OR is_split(timeline, day) AND (lacks_totals(load_seq, customer_id) OR notEmpty(superseded_by)))
-- end if
-- if any_exact
            UNION ALL
            SELECT timeline_of(customer_id), customer_id, model, feature, units, first_at, first_day, events, 0, quantities
            FROM usage_totals
            WHERE totals_seq = {totals_seq:UInt64} AND exact AND NOT is_alone(model, feature)
                AND customer_id GLOBAL NOT IN (SELECT customer_id FROM unfit)
        )
        WHERE asked_for(customer_id)
    ),
-- end if
-- if any_told
    told AS
    (
        SELECT timeline, customer, used_model, used_feature,
            if((used_model, used_feature) GLOBAL IN (SELECT model, feature FROM tested) AND position(listed_units, '#') = 0,
                concat(listed_units, '#', context_outcome,
                    if(context_outcome != '' AND hours.outcome != '', ',', ''), hours.outcome), listed_units) AS used_units,
            occurred_at, day, present, events, quantities
        FROM
        (
            SELECT timeline, customer, used_model, used_feature, used_units AS listed_units, occurred_at, day, present, events,
                quantities, contexts.outcome AS context_outcome
            FROM raw
            ASOF LEFT JOIN contexts ON contexts.model = raw.used_model AND contexts.feature = raw.used_feature
                AND raw.context >= contexts.least
        ) AS placed
        ASOF LEFT JOIN hours ON hours.model = placed.used_model AND hours.feature = placed.used_feature
            AND placed.occurred_at >= hours.starts_at
    ),
-- end if
-- if any_replaced
    parts AS
-- end if
-- if none_replaced
    sums AS
-- end if
    (
        SELECT customer, slice, epoch, product_system, used_model, used_feature, used_units,
            if({by_day:Bool}, day, toDate(0)) AS used_day,
            '' AS present, sum(events) AS event_count,
            sumForEach(quantities) AS amounts
        FROM daily
        ASOF INNER JOIN (SELECT * FROM slices WHERE first_day < end_day) AS whole
            ON whole.timeline = daily.timeline AND daily.day >= whole.first_day
        WHERE daily.last_day < whole.end_day
        GROUP BY customer, slice, epoch, product_system, used_model, used_feature, used_units, used_day
-- if any_exact
        UNION ALL
        SELECT customer, slice, epoch, product_system, used_model, used_feature, used_units,
            if({by_day:Bool}, day, toDate(0)) AS used_day,
            present, sum(events) AS event_count,
            sumForEach(quantities) AS amounts
-- end if
-- if any_told
        FROM told AS raw
-- end if
-- if none_told
        FROM raw
-- end if
-- if any_exact
        ASOF INNER JOIN slices AS exact
            ON exact.timeline = raw.timeline AND raw.occurred_at >= exact.starts_at
        WHERE raw.occurred_at < exact.ends_at
        GROUP BY customer, slice, epoch, product_system, used_model, used_feature, used_units, used_day, present
-- end if
-- if any_replaced
    ),
    sums AS
    (
        SELECT customer, slice, epoch, product_system, used_model, used_feature, used_units, used_day, present,
            sum(parts.event_count) AS event_count,
            sumForEach(parts.amounts) AS amounts
        FROM parts
        GROUP BY customer, slice, epoch, product_system, used_model, used_feature, used_units, used_day, present
        HAVING event_count > 0
-- end if
    )
SELECT
    sums.customer AS customer_id,
    sums.slice AS slice,
    sums.used_day AS day,
    rates.kind AS kind,
    sums.used_units AS units,
    sums.event_count AS events,
    if(rates.priced = 0 OR arrayExists(place -> substring(sums.present, place, 1) = '1', rates.unpriced),
        sums.event_count, 0) AS unrated_events,
    arrayMap(amount -> toUInt64(bitAnd(amount, 18446744073709551615)), sums.amounts) AS low,
    if(arrayExists(amount -> amount > 18446744073709551615, sums.amounts),
        arrayMap(amount -> toUInt64(bitShiftRight(amount, 64)), sums.amounts), emptyArrayUInt64()) AS high,
    toDecimal256(sums.event_count, 0) * rates.per_request
        + arraySum(arrayMap((amount, price) -> toDecimal256(amount, 0) * price,
            sums.amounts, arrayResize(rates.prices, length(sums.amounts)))) AS credits,
    rates.known AS known
FROM sums
LEFT JOIN rates ON rates.epoch = sums.epoch AND rates.product_system = sums.product_system
    AND rates.model = sums.used_model AND rates.feature = sums.used_feature AND rates.units = sums.used_units
ORDER BY customer_id, slice, kind, day
SETTINGS decimal_check_overflow = 1, join_use_nulls = 0, max_bytes_before_external_group_by = 1000000000,
    max_bytes_before_external_sort = 1000000000
