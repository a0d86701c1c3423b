-- Writes the days of the given loads whose raw rows stay. Inputs: as the term says.
INSERT INTO kept_days (load_seq, customer_id, day)
WITH
-- term divided_days
    days AS (SELECT DISTINCT load_seq, customer_id, day FROM divided)
SELECT load_seq, customer_id, day FROM days
