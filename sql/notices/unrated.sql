-- Models and features with usage that has no price, since a day, as of the latest aggregate. Grain: model or feature.
-- Inputs: from.
SELECT if(model = '', feature, model) AS name, toString(sum(unrated_tokens)) AS tokens
FROM v_spend_daily
WHERE day >= {from:Date} AND unrated_tokens > 0
GROUP BY name
ORDER BY name
