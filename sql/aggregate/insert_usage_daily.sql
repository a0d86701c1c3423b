-- Rolls the given loads up: usage_daily rows by load, replaced load, superseded_by, accounting day, customer, what was used and
-- list of units. Guarantees: each event of the loads, superseded or not, and each that they replace, is in exactly one row.
-- The span holds all their events. Keys are plain strings, the usual branch has no array among them, and load and day are one
-- number: that more than halves the time of the grouping. Where each load has one list of units and no feature, they are no
-- keys: a quarter of it.
INSERT INTO usage_daily (load_seq, timezone, replaced_load_seq, superseded_by, day, customer_id, model, feature, units, events,
    quantities)
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
GROUP BY load_seq, superseded_by, day, customer_id, used_model, used_feature, used_units
UNION ALL
SELECT load_seq, {timezone:String}, replaced_load_seq, superseded_by, toDate(occurred_at, {timezone:String}) AS day,
    customer_id, toString(model) AS used_model, toString(feature) AS used_feature, toString(units) AS used_units, count(),
    sumForEach(CAST(quantities, 'Array(UInt128)'))
FROM replaced_events
WHERE load_seq IN {loads:Array(UInt64)}
GROUP BY load_seq, replaced_load_seq, superseded_by, day, customer_id, used_model, used_feature, used_units
SETTINGS max_insert_threads = 2
