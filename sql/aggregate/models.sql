-- Models of the counted events and which of their pools hold tokens. Grain: model. Input: the table counted.
SELECT
    model,
    max(input) AS input,
    max(cached_input) AS cached_input,
    max(cache_write) AS cache_write,
    max(output) AS output,
    max(reasoning) AS reasoning
FROM
(
    SELECT model, max(input_tokens > 0)::Bool AS input, max(cached_input_tokens > 0)::Bool AS cached_input,
        max(cache_write_tokens > 0)::Bool AS cache_write, max(output_tokens > 0)::Bool AS output,
        max(reasoning_tokens > 0)::Bool AS reasoning
    FROM usage_daily
    WHERE timezone = {timezone:String} AND load_seq IN (SELECT load_seq FROM counted WHERE rolled = 1)
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY model
    UNION ALL
    SELECT model, max(input_tokens > 0)::Bool AS input, max(cached_input_tokens > 0)::Bool AS cached_input,
        max(cache_write_tokens > 0)::Bool AS cache_write, max(output_tokens > 0)::Bool AS output,
        max(reasoning_tokens > 0)::Bool AS reasoning
    FROM usage_events
    WHERE {any_raw:Bool} AND load_seq IN (SELECT load_seq FROM counted WHERE rolled = 0)
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY model
    UNION ALL
    SELECT model, max(input_tokens > 0)::Bool AS input, max(cached_input_tokens > 0)::Bool AS cached_input,
        max(cache_write_tokens > 0)::Bool AS cache_write, max(output_tokens > 0)::Bool AS output,
        max(reasoning_tokens > 0)::Bool AS reasoning
    FROM duplicate_events
    WHERE {any_raw:Bool} AND load_seq IN (SELECT load_seq FROM counted WHERE rolled = 0)
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY model
)
GROUP BY model
ORDER BY model
