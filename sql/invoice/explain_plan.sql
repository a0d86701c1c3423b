-- The freezing of a plan that a charge was part of: its cut-off, its loads, its catalog and its other inputs. Grain: one
-- row. Inputs: plan_sha, run_id. catalog is empty where the text was not kept.
SELECT frozen.as_of AS as_of, frozen.catalog_sha AS catalog_sha, frozen.loads AS loads, frozen.inputs AS inputs, catalogs.text AS catalog
FROM
(
    SELECT as_of, catalog_sha, loads, inputs
    FROM plans
    WHERE plan_sha = {plan_sha:String} AND run_id = {run_id:String}
    ORDER BY frozen_at
    LIMIT 1
) AS frozen
LEFT JOIN (SELECT catalog_sha, any(text) AS text FROM catalogs GROUP BY catalog_sha) AS catalogs
    ON catalogs.catalog_sha = frozen.catalog_sha
