-- Stores the prices of models that the catalog has none stored of. Input: the table new_prices. Grain: as prices.
INSERT INTO prices
SELECT {catalog_sha:String} AS catalog_sha, model, credit_system, feature_id, valid_from, valid_to, first_day, end_day,
    split_days, input, cached_input, cache_write, output, reasoning
FROM new_prices
WHERE model NOT IN (SELECT model FROM prices WHERE catalog_sha = {catalog_sha:String})
