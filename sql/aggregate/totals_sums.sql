-- Usage of the loads rolled up that nothing supersedes, as added up in totals and as in usage_daily. Grain: one row. Input:
-- counted. The texts hold events, then sums by unit.
WITH
    totalled AS
    (
        SELECT units, count() AS rows, countIf(exact) AS exact_rows, sum(events) AS event_count, sumForEach(quantities) AS listed
        FROM usage_totals
        WHERE totals_seq = {totals_seq:UInt64}
        GROUP BY units
    ),
    rolled AS
    (
        SELECT units, replaced_load_seq != 0 AS replaced, sum(events) AS event_count, sumForEach(quantities) AS listed
        FROM usage_daily
        WHERE timezone = {timezone:String} AND load_seq IN (SELECT load_seq FROM counted WHERE rolled = 1)
            AND (replaced_load_seq = 0 OR replaced_load_seq IN (SELECT load_seq FROM counted))
            AND empty(superseded_by)
        GROUP BY units, replaced
    ),
    totalled_units AS
    (
        SELECT part.1 AS unit, sum(toInt256(part.2)) AS amount
        FROM totalled
        ARRAY JOIN arrayZip(splitByChar(',', units), listed) AS part
        GROUP BY unit
        HAVING amount != 0
    ),
    rolled_units AS
    (
        SELECT part.1 AS unit, sum(if(replaced, -1, 1) * toInt256(part.2)) AS amount
        FROM rolled
        ARRAY JOIN arrayZip(splitByChar(',', units), listed) AS part
        GROUP BY unit
        HAVING amount != 0
    )
SELECT
    (SELECT sum(rows) FROM totalled) AS rows,
    (SELECT sum(exact_rows) FROM totalled) AS exact_rows,
    (SELECT sum(event_count) FROM totalled) AS events,
    concat(toString(events), ' ', toString((SELECT arraySort(groupArray((unit, amount))) FROM totalled_units))) AS totalled_sums,
    concat(toString((SELECT sum(if(replaced, -1, 1) * toInt256(event_count)) FROM rolled)), ' ',
        toString((SELECT arraySort(groupArray((unit, amount))) FROM rolled_units))) AS rolled_sums
