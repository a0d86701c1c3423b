-- What a preview would be by hand, less prices, periods and allowances: each unit's quantity by customer and model, over
-- all raw rows, with no look at whether their load counts. Grain: customer, model and list of units.
SELECT customer_id, model, units, sumForEach(quantities)
FROM usage_events
GROUP BY customer_id, model, units
