-- Adds lines of a report. Input: the table new_costs; report_id.
INSERT INTO costs (report_id, provider, kind, day, model, customer_id, item, currency, amount, input_tokens, output_tokens,
    requests)
SELECT {report_id:String}, provider, kind, day, model, customer_id, item, currency, toDecimal256(amount, 18), input_tokens,
    output_tokens, requests
FROM new_costs
SETTINGS async_insert = 0
