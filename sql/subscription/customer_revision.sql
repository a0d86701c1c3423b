-- The highest revision of any customer or subscription; 0 when there is none. Grain: one row.
SELECT greatest((SELECT max(revision) FROM customers), (SELECT max(revision) FROM subscriptions)) AS revision
