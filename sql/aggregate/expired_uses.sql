-- What loads whose raw rows expired used of that is else rated row by row, by what prices it: only sums stand for it. Grain:
-- epoch, credit system of the product, model or feature, list of units. Inputs as those of rate.sql: counted, alone, slices,
-- split_days, and the customers named by the parameters. present are the places of units that there are any of.
WITH
-- term first
-- term slices
    (customer_id) -> {everyone:Bool} OR customer_id IN {customers:Array(String)} AS asked_for
SELECT epoch, product_system, used_model AS model, used_feature AS feature, used_units AS units,
    min(daily.load_seq) AS load_seq, min(daily.day) AS from_day,
    arrayFilter((place, amount) -> amount > 0, arrayEnumerate(maxForEach(daily.amounts)), maxForEach(daily.amounts)) AS present
FROM
(
    SELECT timeline_of(customer_id) AS timeline, toString(model) AS used_model, toString(feature) AS used_feature,
        toString(units) AS used_units, load_seq, day, CAST(quantities, 'Array(UInt128)') AS amounts
    FROM usage_daily
    WHERE timezone = {timezone:String} AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE expired = 1)
        AND replaced_load_seq = 0 AND is_first(superseded_by) AND asked_for(customer_id)
        AND (model, feature) GLOBAL IN (SELECT model, feature FROM alone) AND NOT is_split(timeline, day)
) AS daily
ASOF INNER JOIN (SELECT * FROM slices WHERE slices.first_day < slices.end_day) AS whole
    ON whole.timeline = daily.timeline AND daily.day >= whole.first_day
WHERE daily.day < whole.end_day
GROUP BY epoch, product_system, model, feature, units
ORDER BY from_day, load_seq, model, feature, units
