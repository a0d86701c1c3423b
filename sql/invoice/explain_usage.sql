-- Usage of a customer in a period, from the raw events that count when only the given loads do; where those of a load expired,
-- from its roll-up, but for the days that are kept. Grain: accounting day,
-- number of price changes before the event, model or feature, circumstances, load. Inputs: customer, the period, timezone,
-- price_changes, loads, rows, which asks for the numbers of the rows in their file too, and where prices depend on tests
-- tested, contexts and hours, as rate.sql has them.
WITH
-- term context_of
    kept AS
    (
        SELECT load_seq, day FROM kept_days WHERE customer_id = {customer_id:String} AND load_seq IN {loads:Array(UInt64)}
    ),
    found AS
    (
        SELECT occurred_at, toString(model) AS used_model, toString(feature) AS used_feature, load_seq, row_number,
            toString(units) AS listed_units, context_of(units, quantities) AS context,
            CAST(quantities, 'Array(UInt128)') AS quantities, toUInt64(1) AS counted
        FROM usage_events
        WHERE customer_id = {customer_id:String} AND load_seq IN {loads:Array(UInt64)}
            AND occurred_at >= {period_start:DateTime64(9, 'UTC')} AND occurred_at < {period_end:DateTime64(9, 'UTC')}
            AND (load_seq GLOBAL NOT IN (SELECT load_seq FROM expired_loads)
                OR (load_seq, toDate(occurred_at, {timezone:String})) GLOBAL IN kept)
        UNION ALL
        SELECT occurred_at, toString(model), toString(feature), load_seq, row_number, toString(units),
            context_of(units, quantities), CAST(quantities, 'Array(UInt128)'), 1
        FROM duplicate_events
        WHERE customer_id = {customer_id:String} AND load_seq IN {loads:Array(UInt64)}
            AND NOT hasAny(superseded_by, {loads:Array(UInt64)})
            AND occurred_at >= {period_start:DateTime64(9, 'UTC')} AND occurred_at < {period_end:DateTime64(9, 'UTC')}
        UNION ALL
        SELECT toDateTime64(toDateTime(day, {timezone:String}), 9, 'UTC') AS at, toString(model), toString(feature), load_seq, 0,
            toString(units), 0, quantities, usage_daily.events
        FROM usage_daily
        WHERE timezone = {timezone:String} AND customer_id = {customer_id:String} AND load_seq IN {loads:Array(UInt64)}
            AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads) AND (load_seq, day) GLOBAL NOT IN kept
            AND replaced_load_seq = 0 AND empty(superseded_by)
            AND at >= {period_start:DateTime64(9, 'UTC')} AND at < {period_end:DateTime64(9, 'UTC')}
    ),
-- if any_tested
    told AS
    (
        SELECT occurred_at, used_model, used_feature, load_seq, row_number, quantities, counted,
            if((used_model, used_feature) GLOBAL IN (SELECT model, feature FROM tested) AND position(listed_units, '#') = 0,
                concat(listed_units, '#', context_outcome,
                    if(context_outcome != '' AND hours.outcome != '', ',', ''), hours.outcome), listed_units) AS listed_units
        FROM
        (
            SELECT occurred_at, used_model, used_feature, load_seq, row_number, quantities, counted, listed_units,
                contexts.outcome AS context_outcome
            FROM found
            ASOF LEFT JOIN contexts ON contexts.model = found.used_model AND contexts.feature = found.used_feature
                AND found.context >= contexts.least
        ) AS placed
        ASOF LEFT JOIN hours ON hours.model = placed.used_model AND hours.feature = placed.used_feature
            AND placed.occurred_at >= hours.starts_at
    ),
-- end if
    splitByChar(',', cutQueryStringAndFragment(listed_units)) AS names,
    sumMap(arrayMap(name -> replaceOne(name, '.nano', ''), names), arrayMap(
        (name, amount) -> toDecimal256(amount, 0) * if(endsWith(name, '.nano'), toDecimal64('0.000000001', 9), toDecimal64(1, 9)),
        names, quantities)) AS sums
SELECT
    toDate(occurred_at, {timezone:String}) AS day,
    toUInt32(arrayCount(change -> change <= occurred_at, {price_changes:Array(DateTime64(9, 'UTC'))})) AS epoch,
    used_model,
    used_feature,
    substring(listed_units, 1 + length(cutQueryStringAndFragment(listed_units))) AS circumstances,
    load_seq,
    sum(counted) AS events,
    sums.1 AS unit_names,
    sums.2 AS amounts,
    arraySort(groupArrayIf(row_number, {rows:Bool} AND row_number > 0)) AS row_numbers
-- if any_tested
FROM told
-- end if
-- if none_tested
FROM found
-- end if
WHERE (load_seq, row_number) GLOBAL NOT IN
    (
        SELECT replaced_load_seq, replaced_row_number
        FROM replaced_events
        WHERE customer_id = {customer_id:String} AND load_seq IN {loads:Array(UInt64)}
            AND occurred_at >= {period_start:DateTime64(9, 'UTC')} AND occurred_at < {period_end:DateTime64(9, 'UTC')}
    )
GROUP BY day, epoch, used_model, used_feature, circumstances, load_seq
ORDER BY day, epoch, used_model, used_feature, circumstances, load_seq
SETTINGS join_use_nulls = 0
