-- Rows of every table that figures are made of, whatever its parts are merged to: of a replacing table its keys. Of what belongs to a
-- load only where that counts or was withdrawn, if they are to be settled: no other load stays as it is while others read; and no
-- runs of jobs then, which begin and end without the writers' lock. Grain: table.
WITH lasting AS (SELECT load_seq FROM loads FINAL WHERE NOT {settled:Bool} OR status IN ('committed', 'withdrawn'))
SELECT 'loads' AS table_name, count() AS stored_rows FROM loads FINAL WHERE load_seq GLOBAL IN lasting
UNION ALL SELECT 'rollups', count() FROM rollups FINAL
UNION ALL SELECT 'totals', count() FROM totals
UNION ALL SELECT 'catalogs', count() FROM catalogs FINAL
UNION ALL SELECT 'prices', count() FROM prices FINAL
UNION ALL SELECT 'aggregate_runs', count() FROM aggregate_runs
UNION ALL SELECT 'customers', count() FROM customers FINAL
UNION ALL SELECT 'subscriptions', count() FROM subscriptions FINAL
UNION ALL SELECT 'stripe_states', count() FROM stripe_states FINAL
UNION ALL SELECT 'grants', count() FROM grants
UNION ALL SELECT 'plans', count() FROM plans
UNION ALL SELECT 'charge_plan', count() FROM charge_plan
UNION ALL SELECT 'charge_event', count() FROM charge_event
UNION ALL SELECT 'decisions', count() FROM decisions
UNION ALL SELECT 'closed_periods', count() FROM closed_periods
UNION ALL SELECT 'rebills', count() FROM rebills
UNION ALL SELECT 'job_runs', count() FROM job_runs FINAL WHERE NOT {settled:Bool}
UNION ALL SELECT 'settings', count() FROM settings FINAL
UNION ALL SELECT 'costs', count() FROM costs
UNION ALL SELECT 'cost_reports', count() FROM cost_reports
UNION ALL SELECT 'removals', count() FROM removals
UNION ALL SELECT 'api_tokens', count() FROM api_tokens FINAL
UNION ALL SELECT 'usage_events', count() FROM usage_events WHERE NOT {settled:Bool} OR load_seq GLOBAL IN lasting
UNION ALL SELECT 'duplicate_events', count() FROM duplicate_events WHERE NOT {settled:Bool} OR load_seq GLOBAL IN lasting
UNION ALL SELECT 'replaced_events', count() FROM replaced_events WHERE NOT {settled:Bool} OR load_seq GLOBAL IN lasting
UNION ALL SELECT 'rejects', count() FROM rejects WHERE NOT {settled:Bool} OR load_seq GLOBAL IN lasting
UNION ALL SELECT 'load_objects', count() FROM load_objects WHERE NOT {settled:Bool} OR load_seq GLOBAL IN lasting
UNION ALL SELECT 'expired_loads', count() FROM expired_loads
UNION ALL SELECT 'expired_events', count() FROM expired_events
UNION ALL SELECT 'kept_days', count() FROM kept_days
UNION ALL SELECT 'usage_daily', count() FROM usage_daily
UNION ALL SELECT 'usage_totals', count() FROM usage_totals
UNION ALL SELECT 'balances', count() FROM balances
UNION ALL SELECT 'period_spend', count() FROM period_spend
UNION ALL SELECT 'grant_revocations', count() FROM grant_revocations
