-- Frozen plans with all that they were made from. Grain: plan and freezing, in the order of freezing. catalog is '' where it
-- is not stored, inputs where the plan was frozen by a version that did not keep them.
SELECT plans.plan_sha AS plan_sha, plans.as_of AS as_of, plans.loads AS loads, plans.body AS body, plans.inputs AS inputs,
    known.text AS catalog
FROM plans
LEFT JOIN (SELECT catalog_sha, any(text) AS text FROM catalogs GROUP BY catalog_sha) AS known
    ON known.catalog_sha = plans.catalog_sha
ORDER BY plans.frozen_at, plan_sha, plans.run_id
