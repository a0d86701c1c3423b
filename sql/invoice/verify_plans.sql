-- Every frozen plan. Grain: plan content.
SELECT plan_sha, body
FROM plans
GROUP BY plan_sha, body
ORDER BY plan_sha, body
