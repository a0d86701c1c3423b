-- The stored prices of a catalog. Grain: model or feature, customer, credit system, valid_from, circumstances; in this order, but that a model comes
-- before a feature of its name only where all else is the same.
SELECT customer_id, model, feature, toString(credit_system) AS credit_system, toString(feature_id) AS feature_id, valid_from,
    valid_to, first_day, end_day, split_days, circumstances, tests,
    CAST(costs, 'Map(String, Decimal(38, 18))') AS costs
FROM prices FINAL
WHERE catalog_sha = {catalog_sha:String}
ORDER BY concat(model, feature), customer_id, credit_system, valid_from, feature, circumstances
