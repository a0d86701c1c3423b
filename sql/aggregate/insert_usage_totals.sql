-- Adds up usage that nothing supersedes, of all loads rolled up, per customer, what was used, units and slice: from the rollup, and on
-- days split by a boundary from the raw events. What is in no slice stays by itself, by day. Inputs: counted, unfit,
-- slices and split_days, as rate.sql has them; totals made before are added to. What is replaced is added as its negative, modulo
-- 2^64 and 2^128: the row that it takes off is in the same total.
-- Raw events are tested as rate.sql says.
INSERT INTO usage_totals (totals_seq, customer_id, model, feature, first_day, last_day, exact, first_at, last_at,
    events, units, quantities)
WITH
-- term slices
-- term context_of
    daily AS
    (
        SELECT timeline, toString(customer_id) AS customer, toString(model) AS used_model,
            toString(feature) AS used_feature, toString(units) AS used_units, from_day, to_day, events, quantities
        FROM
        (
            SELECT timeline_of(customer_id) AS timeline, customer_id, model, feature, units, day AS from_day,
                day AS to_day, events, quantities
            FROM usage_daily
            WHERE timezone = {timezone:String}
                AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 1) AND replaced_load_seq = 0
                AND empty(superseded_by) AND lacks_totals(load_seq, customer_id) AND NOT is_split(timeline, day)
-- if any_replaced
            UNION ALL
            SELECT timeline_of(customer_id) AS timeline, customer_id, model, feature, units, day, day,
                toUInt64(-toInt64(events)), negative(quantities)
            FROM usage_daily
            WHERE timezone = {timezone:String}
                AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 1)
                AND replaced_load_seq GLOBAL IN (SELECT load_seq FROM counted)
                AND empty(superseded_by) AND lacks_totals(load_seq, customer_id) AND NOT is_split(timeline, day)
-- end if
            UNION ALL
            SELECT timeline_of(customer_id), customer_id, model, feature, units, first_day, last_day, events, quantities
            FROM usage_totals
            WHERE totals_seq = {known_seq:UInt64} AND NOT exact AND customer_id GLOBAL NOT IN (SELECT customer_id FROM unfit)
        )
    ),
    single AS
    (
        SELECT timeline, toString(customer_id) AS customer, toString(model) AS used_model,
            toString(feature) AS used_feature, toString(units) AS used_units, day, from_at, to_at, events, context, quantities
        FROM
        (
            SELECT timeline_of(customer_id) AS timeline, customer_id, model, feature, units,
                toDate(occurred_at, {timezone:String}) AS day, occurred_at AS from_at, occurred_at AS to_at,
                toUInt64(1) AS events, context_of(units, usage_events.quantities) AS context,
                CAST(quantities, 'Array(UInt128)') AS quantities
            FROM usage_events
            WHERE {any_split:Bool}
                AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 1 AND (totalled = 0 OR {any_unfit:Bool}))
                AND lacks_totals(load_seq, customer_id) AND is_split(timeline, day)
-- if any_replaced
            UNION ALL
            SELECT timeline_of(customer_id) AS timeline, customer_id, model, feature, units,
                toDate(occurred_at, {timezone:String}) AS day, occurred_at, occurred_at, toUInt64(-1),
                context_of(units, quantities), negative(quantities)
            FROM replaced_events
            WHERE {any_split:Bool}
                AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 1)
                AND replaced_load_seq GLOBAL IN (SELECT load_seq FROM counted)
                AND empty(superseded_by) AND lacks_totals(load_seq, customer_id) AND is_split(timeline, day)
-- end if
            UNION ALL
            SELECT timeline_of(customer_id), customer_id, model, feature, units, first_day, first_at, last_at, events, 0,
                quantities
            FROM usage_totals
            WHERE totals_seq = {known_seq:UInt64} AND exact AND customer_id GLOBAL NOT IN (SELECT customer_id FROM unfit)
        )
    )
-- if any_tested
    , told AS
    (
        SELECT timeline, customer, used_model, used_feature,
            if((used_model, used_feature) GLOBAL IN (SELECT model, feature FROM tested) AND position(listed_units, '#') = 0,
                concat(listed_units, '#', context_outcome,
                    if(context_outcome != '' AND hours.outcome != '', ',', ''), hours.outcome), listed_units) AS used_units,
            day, from_at, to_at, events, quantities
        FROM
        (
            SELECT timeline, customer, used_model, used_feature, used_units AS listed_units, day, from_at, to_at, events,
                quantities, contexts.outcome AS context_outcome
            FROM single
            ASOF LEFT JOIN contexts ON contexts.model = single.used_model AND contexts.feature = single.used_feature
                AND single.context >= contexts.least
        ) AS placed
        ASOF LEFT JOIN hours ON hours.model = placed.used_model AND hours.feature = placed.used_feature
            AND placed.from_at >= hours.starts_at
    )
-- end if
SELECT {totals_seq:UInt64}, customer, used_model, used_feature, min(from_day), max(to_day), false, toDateTime64(0, 9, 'UTC'),
    toDateTime64(0, 9, 'UTC'), sum(events), used_units, sumForEach(quantities)
FROM daily
ASOF LEFT JOIN (SELECT timeline, first_day, end_day FROM slices WHERE first_day < end_day) AS whole
    ON whole.timeline = daily.timeline AND daily.from_day >= whole.first_day
GROUP BY customer, used_model, used_feature, used_units, if(daily.to_day < whole.end_day, whole.first_day, daily.from_day)
HAVING sum(daily.events) > 0
UNION ALL
SELECT {totals_seq:UInt64}, customer, used_model, used_feature, day, day, true, min(from_at), max(to_at), sum(events), used_units,
    sumForEach(quantities)
-- if any_tested
FROM told AS single
-- end if
-- if none_tested
FROM single
-- end if
ASOF LEFT JOIN (SELECT timeline, starts_at, ends_at FROM slices) AS own
    ON own.timeline = single.timeline AND single.from_at >= own.starts_at
GROUP BY customer, used_model, used_feature, used_units, day, own.starts_at, single.to_at < own.ends_at
HAVING sum(single.events) > 0
SETTINGS join_use_nulls = 0
