-- Rows that a killed removal left behind before it had begun. Grain: one row.
SELECT
    (SELECT count() FROM expired_events WHERE load_seq GLOBAL NOT IN (SELECT load_seq FROM expired_loads))
    + (SELECT count() FROM kept_days WHERE load_seq GLOBAL NOT IN (SELECT load_seq FROM expired_loads)) AS rows
