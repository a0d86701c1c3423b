-- Forgets what must be stored, in the first copy: it is recorded again right after.
TRUNCATE TABLE expected_rows
