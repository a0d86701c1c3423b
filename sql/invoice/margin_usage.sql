-- Tokens and credits of the accounting days [from, to). Grain: customer, model or feature.
SELECT customer_id, name, sum(counted) AS tokens, sum(spent) AS credits
FROM
(
    SELECT customer_id, if(model = '', feature, model) AS name, toDecimal256(quantity, 9) AS counted,
        toDecimal256(0, 18) AS spent
    FROM v_usage_units
    WHERE day >= {from:Date} AND day < {to:Date}
        AND unit IN ('input', 'cached_input', 'cache_write', 'cache_write_1h', 'input_audio', 'cached_input_audio',
            'input_image', 'input_video', 'output', 'reasoning', 'output_audio', 'output_image')
    UNION ALL
    SELECT customer_id, if(model = '', feature, model), toDecimal256(0, 9), credits
    FROM v_spend_daily
    WHERE day >= {from:Date} AND day < {to:Date}
)
GROUP BY customer_id, name
ORDER BY customer_id, name
