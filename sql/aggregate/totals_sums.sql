-- Usage of the loads rolled up that nothing supersedes, as added up in totals and as in usage_daily. Grain: one row. Input:
-- counted. The texts hold events, then sums by unit.
WITH amounts -> arrayMap(amount -> toUInt128(-toInt128(amount)), amounts) AS negative
SELECT
    totalled.rows AS rows,
    totalled.exact_rows AS exact_rows,
    totalled.event_count AS events,
    concat(toString(totalled.event_count), ' ', toString(totalled.sums)) AS totalled_sums,
    concat(toString(rolled.event_count), ' ', toString(rolled.sums)) AS rolled_sums
FROM
(
    SELECT sum(list_rows) AS rows, sum(list_exact_rows) AS exact_rows, sum(list_events) AS event_count,
        sumMap(names, listed) AS sums
    FROM
    (
        SELECT splitByChar(',', cutQueryStringAndFragment(toString(units))) AS names, count() AS list_rows, countIf(exact) AS list_exact_rows,
            sum(events) AS list_events, sumForEach(quantities) AS listed
        FROM usage_totals
        WHERE totals_seq = {totals_seq:UInt64}
        GROUP BY units
    )
) AS totalled
CROSS JOIN
(
    SELECT sum(if(replaced, toUInt64(-toInt64(list_events)), list_events)) AS event_count,
        sumMap(names, if(replaced, negative(listed), listed)) AS sums
    FROM
    (
        SELECT splitByChar(',', cutQueryStringAndFragment(toString(units))) AS names, replaced_load_seq != 0 AS replaced, sum(events) AS list_events,
            sumForEach(quantities) AS listed
        FROM usage_daily
        WHERE timezone = {timezone:String} AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 1)
            AND (replaced_load_seq = 0 OR replaced_load_seq GLOBAL IN (SELECT load_seq FROM counted))
            AND empty(superseded_by)
        GROUP BY units, replaced
    )
) AS rolled
