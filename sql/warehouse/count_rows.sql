-- Rows of the tables that nothing else counts. Each is only ever added to: its rows (of a replacing table, its keys) never
-- get fewer, and the sum of their revisions never smaller. Grain: table; a section for each, since few change at a time.
SELECT table_name, toUInt64(found_rows) AS stored_rows, toUInt64(found_versions) AS versions
FROM
(
    SELECT '' AS table_name, 0 AS found_rows, 0 AS found_versions WHERE 0
-- if loads
    UNION ALL SELECT 'loads', count(), sum(revision) FROM loads FINAL
-- end if
-- if rollups
    UNION ALL SELECT 'rollups', count(), 0 FROM rollups FINAL
-- end if
-- if totals
    UNION ALL SELECT 'totals', count(), 0 FROM totals
-- end if
-- if catalogs
    UNION ALL SELECT 'catalogs', count(), 0 FROM catalogs FINAL
-- end if
-- if prices
    UNION ALL SELECT 'prices', count(), 0 FROM prices FINAL
-- end if
-- if aggregate_runs
    UNION ALL SELECT 'aggregate_runs', count(), 0 FROM aggregate_runs
-- end if
-- if customers
    UNION ALL SELECT 'customers', count(), sum(revision) FROM customers FINAL
-- end if
-- if subscriptions
    UNION ALL SELECT 'subscriptions', count(), sum(revision) FROM subscriptions FINAL
-- end if
-- if stripe_states
    UNION ALL SELECT 'stripe_states', count(), sum(revision) FROM stripe_states FINAL
-- end if
-- if grants
    UNION ALL SELECT 'grants', count(), 0 FROM grants
-- end if
-- if grant_revocations
    UNION ALL SELECT 'grant_revocations', count(), 0 FROM grant_revocations
-- end if
-- if plans
    UNION ALL SELECT 'plans', count(), 0 FROM plans
-- end if
-- if charge_plan
    UNION ALL SELECT 'charge_plan', count(), 0 FROM charge_plan
-- end if
-- if charge_event
    UNION ALL SELECT 'charge_event', count(), 0 FROM charge_event
-- end if
-- if decisions
    UNION ALL SELECT 'decisions', count(), 0 FROM decisions
-- end if
-- if closed_periods
    UNION ALL SELECT 'closed_periods', count(), 0 FROM closed_periods
-- end if
-- if rebills
    UNION ALL SELECT 'rebills', count(), 0 FROM rebills
-- end if
-- if job_runs
    UNION ALL SELECT 'job_runs', count(), sum(revision) FROM job_runs FINAL
-- end if
-- if settings
    UNION ALL SELECT 'settings', count(), 0 FROM settings FINAL
-- end if
-- if costs
    UNION ALL SELECT 'costs', count(), 0 FROM costs
-- end if
-- if cost_reports
    UNION ALL SELECT 'cost_reports', count(), 0 FROM cost_reports
-- end if
-- if removals
    UNION ALL SELECT 'removals', count(), 0 FROM removals
-- end if
-- if expired_loads
    UNION ALL SELECT 'expired_loads', count(), 0 FROM expired_loads
-- end if
-- if api_tokens
    UNION ALL SELECT 'api_tokens', count(), sum(revision) FROM api_tokens FINAL
-- end if
)
ORDER BY table_name
