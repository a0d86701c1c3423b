-- Runs that have rows, finished or not. Grain: table, run.
SELECT 'balances' AS table, run_seq FROM balances GROUP BY run_seq
UNION ALL
SELECT 'period_spend' AS table, run_seq FROM period_spend GROUP BY run_seq
ORDER BY table, run_seq
