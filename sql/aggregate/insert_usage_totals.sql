-- Adds up usage that nothing supersedes, of all loads rolled up, per customer, model and slice; what lies in no slice
-- as a whole stays by itself. Inputs: counted, unfit and slices, as rate.sql has them; totals made before are added to.
INSERT INTO usage_totals (totals_seq, customer_id, model, first_day, last_day, events,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens)
WITH known AS
(
    SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline,
        toString(customer_id) AS customer, toString(model) AS used_model, day AS from_day, day AS to_day, events,
        input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
    FROM usage_daily
    WHERE timezone = {timezone:String}
        AND load_seq IN (SELECT load_seq FROM counted WHERE rolled = 1)
        AND empty(superseded_by)
        AND (load_seq IN (SELECT load_seq FROM counted WHERE totalled = 0)
            OR customer_id IN (SELECT customer_id FROM unfit))
    UNION ALL
    SELECT if(customer_id IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline,
        toString(customer_id) AS customer, toString(model) AS used_model, first_day AS from_day, last_day AS to_day, events,
        input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens
    FROM usage_totals
    WHERE totals_seq = {known_seq:UInt64}
        AND customer_id NOT IN (SELECT customer_id FROM unfit)
)
SELECT {totals_seq:UInt64}, customer, used_model, min(from_day), max(to_day), sum(events),
    sum(input_tokens), sum(cached_input_tokens), sum(cache_write_tokens), sum(output_tokens), sum(reasoning_tokens)
FROM known
ASOF LEFT JOIN (SELECT timeline, first_day, end_day FROM slices WHERE first_day < end_day) AS whole
    ON whole.timeline = known.timeline AND known.from_day >= whole.first_day
GROUP BY customer, used_model, if(known.to_day < whole.end_day, whole.first_day, known.from_day)
SETTINGS join_use_nulls = 0
