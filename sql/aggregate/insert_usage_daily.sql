-- Rolls the given loads up: usage_daily rows by load, replaced load, superseded_by, accounting day, customer, what was used and
-- list of units. Guarantees: each event of the loads, superseded or not, and each that they replace, is in exactly one row.
-- The span holds all their events. Keys are plain strings, the usual branch has no array among them, and load and day are one
-- number: that more than halves the time of the grouping. Where each load has one list of units and no feature, they are no
-- keys: a quarter of it. What has prices that depend on tests (tested, contexts, hours; see rate.sql) goes a way of its own.
INSERT INTO usage_daily (load_seq, timezone, replaced_load_seq, superseded_by, day, customer_id, model, feature, units, events,
    quantities)
-- if any_tested
WITH
-- term context_of
    single AS
    (
        SELECT load_seq, toUInt64(0) AS replaced_seq, emptyArrayUInt64() AS above, occurred_at, customer_id AS customer,
            toString(model) AS used_model, toString(feature) AS used_feature, toString(units) AS listed_units,
            context_of(units, quantities) AS context, quantities AS listed
        FROM usage_events
        WHERE load_seq IN {loads:Array(UInt64)} AND (model, feature) GLOBAL IN (SELECT model, feature FROM tested)
        UNION ALL
        SELECT load_seq, 0, superseded_by, occurred_at, customer_id, toString(model), toString(feature), toString(units),
            context_of(units, quantities), quantities
        FROM duplicate_events
        WHERE load_seq IN {loads:Array(UInt64)} AND (model, feature) GLOBAL IN (SELECT model, feature FROM tested)
        UNION ALL
        SELECT load_seq, replaced_load_seq, superseded_by, occurred_at, customer_id, toString(model), toString(feature),
            toString(units), context_of(units, quantities), quantities
        FROM replaced_events
        WHERE load_seq IN {loads:Array(UInt64)} AND (model, feature) GLOBAL IN (SELECT model, feature FROM tested)
    )
SELECT load_seq, {timezone:String}, replaced_seq, above, toDate(occurred_at, {timezone:String}) AS day, customer, used_model,
    used_feature,
    concat(listed_units, '#', context_outcome, if(context_outcome != '' AND hours.outcome != '', ',', ''), hours.outcome)
        AS used_units,
    count(), sumForEach(CAST(listed, 'Array(UInt128)'))
FROM
(
    SELECT single.*, contexts.outcome AS context_outcome
    FROM single
    ASOF LEFT JOIN contexts ON contexts.model = single.used_model AND contexts.feature = single.used_feature
        AND single.context >= contexts.least
) AS placed
ASOF LEFT JOIN hours ON hours.model = placed.used_model AND hours.feature = placed.used_feature
    AND placed.occurred_at >= hours.starts_at
GROUP BY load_seq, replaced_seq, above, day, customer, used_model, used_feature, used_units
UNION ALL
-- end if
SELECT intDiv(load_day, 65536), {timezone:String}, 0, emptyArrayUInt64(), toDate(toUInt16(load_day % 65536)), customer_id,
    used_model,
-- if many_lists
    used_feature, used_units,
-- end if
-- if one_list
    '', transform(intDiv(load_day, 65536), {loads:Array(UInt64)}, {unit_lists:Array(String)}, ''),
-- end if
    count(), sumForEach(CAST(quantities, 'Array(UInt128)'))
FROM usage_events
WHERE load_seq IN {loads:Array(UInt64)}
    AND occurred_at >= {from:DateTime64(9, 'UTC')} AND occurred_at <= {to:DateTime64(9, 'UTC')}
-- if any_tested
    AND (model, feature) GLOBAL NOT IN (SELECT model, feature FROM tested)
-- end if
GROUP BY load_seq * 65536 + toUInt16(toDate(occurred_at, {timezone:String})) AS load_day, customer_id,
    toString(model) AS used_model
-- if many_lists
    , toString(feature) AS used_feature, toString(units) AS used_units
-- end if
UNION ALL
SELECT load_seq, {timezone:String}, 0, superseded_by, toDate(occurred_at, {timezone:String}) AS day,
    customer_id, toString(model) AS used_model, toString(feature) AS used_feature, toString(units) AS used_units, count(),
    sumForEach(CAST(quantities, 'Array(UInt128)'))
FROM duplicate_events
WHERE load_seq IN {loads:Array(UInt64)}
-- if any_tested
    AND (model, feature) GLOBAL NOT IN (SELECT model, feature FROM tested)
-- end if
GROUP BY load_seq, superseded_by, day, customer_id, used_model, used_feature, used_units
UNION ALL
SELECT load_seq, {timezone:String}, replaced_load_seq, superseded_by, toDate(occurred_at, {timezone:String}) AS day,
    customer_id, toString(model) AS used_model, toString(feature) AS used_feature, toString(units) AS used_units, count(),
    sumForEach(CAST(quantities, 'Array(UInt128)'))
FROM replaced_events
WHERE load_seq IN {loads:Array(UInt64)}
-- if any_tested
    AND (model, feature) GLOBAL NOT IN (SELECT model, feature FROM tested)
-- end if
GROUP BY load_seq, replaced_load_seq, superseded_by, day, customer_id, used_model, used_feature, used_units
SETTINGS max_insert_threads = 2, join_use_nulls = 0
