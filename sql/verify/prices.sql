-- The stored prices of a catalog. Grain: model, customer, credit system, valid_from; in this order.
SELECT customer_id, model, toString(credit_system) AS credit_system, toString(feature_id) AS feature_id, valid_from,
    valid_to, first_day, end_day, split_days, input, cached_input, cache_write, output, reasoning
FROM prices FINAL
WHERE catalog_sha = {catalog_sha:String}
ORDER BY model, customer_id, credit_system, valid_from
