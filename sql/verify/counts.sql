-- How much there is to look at. Grain: one row.
SELECT
    (SELECT count() FROM v_events) AS events,
    (SELECT count() FROM v_duplicates) AS duplicates,
    (SELECT count() FROM v_balances) AS balances,
    (SELECT count() FROM v_period_spend) AS spend
