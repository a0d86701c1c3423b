-- Models of the counted events and, if asked for by_pool, which of their pools hold tokens: without it no token is read.
-- Grain: model. Input: the table counted (load_seq, rolled, totalled, daily); totalled loads are read from their totals,
-- which lack what is superseded.
SELECT
    model,
    max(input) AS input,
    max(cached_input) AS cached_input,
    max(cache_write) AS cache_write,
    max(output) AS output,
    max(reasoning) AS reasoning
FROM
(
    SELECT model, max({by_pool:Bool} AND input_tokens > 0)::Bool AS input,
        max({by_pool:Bool} AND cached_input_tokens > 0)::Bool AS cached_input,
        max({by_pool:Bool} AND cache_write_tokens > 0)::Bool AS cache_write,
        max({by_pool:Bool} AND output_tokens > 0)::Bool AS output,
        max({by_pool:Bool} AND reasoning_tokens > 0)::Bool AS reasoning
    FROM usage_daily
    WHERE timezone = {timezone:String} AND load_seq IN (SELECT load_seq FROM counted WHERE daily = 1)
        AND replaced_load_seq = 0
        AND (load_seq IN (SELECT load_seq FROM counted WHERE totalled = 0) OR notEmpty(superseded_by))
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY model
    UNION ALL
    SELECT model, max({by_pool:Bool} AND input_tokens > 0)::Bool AS input,
        max({by_pool:Bool} AND cached_input_tokens > 0)::Bool AS cached_input,
        max({by_pool:Bool} AND cache_write_tokens > 0)::Bool AS cache_write,
        max({by_pool:Bool} AND output_tokens > 0)::Bool AS output,
        max({by_pool:Bool} AND reasoning_tokens > 0)::Bool AS reasoning
    FROM usage_totals
    WHERE totals_seq = {totals_seq:UInt64}
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY model
-- if any_unrolled
    UNION ALL
    SELECT model, max({by_pool:Bool} AND input_tokens > 0)::Bool AS input,
        max({by_pool:Bool} AND cached_input_tokens > 0)::Bool AS cached_input,
        max({by_pool:Bool} AND cache_write_tokens > 0)::Bool AS cache_write,
        max({by_pool:Bool} AND output_tokens > 0)::Bool AS output,
        max({by_pool:Bool} AND reasoning_tokens > 0)::Bool AS reasoning
    FROM usage_events
    WHERE load_seq IN (SELECT load_seq FROM counted WHERE rolled = 0)
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY model
    UNION ALL
    SELECT model, max({by_pool:Bool} AND input_tokens > 0)::Bool AS input,
        max({by_pool:Bool} AND cached_input_tokens > 0)::Bool AS cached_input,
        max({by_pool:Bool} AND cache_write_tokens > 0)::Bool AS cache_write,
        max({by_pool:Bool} AND output_tokens > 0)::Bool AS output,
        max({by_pool:Bool} AND reasoning_tokens > 0)::Bool AS reasoning
    FROM duplicate_events
    WHERE load_seq IN (SELECT load_seq FROM counted WHERE rolled = 0)
        AND ({everyone:Bool} OR customer_id IN {customers:Array(String)})
    GROUP BY model
-- end if
)
GROUP BY model
ORDER BY model
