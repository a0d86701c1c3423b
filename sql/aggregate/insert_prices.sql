-- Stores the prices of what was used that the catalog has none stored of, those of customers with prices of their own too.
-- Input: the table new_prices. Grain: as prices.
INSERT INTO prices (catalog_sha, customer_id, model, feature, credit_system, feature_id, valid_from, valid_to, first_day, end_day,
    split_days, circumstances, tests, costs)
SELECT {catalog_sha:String} AS catalog_sha, customer_id, model, feature, credit_system, feature_id, valid_from, valid_to,
    first_day, end_day, split_days, circumstances, tests, costs
FROM new_prices
WHERE (customer_id, model, feature, circumstances) GLOBAL NOT IN
    (SELECT customer_id, model, feature, circumstances FROM prices WHERE catalog_sha = {catalog_sha:String})
