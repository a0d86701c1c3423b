-- Forgets what must be stored, in the second copy: it is recorded again right after.
TRUNCATE TABLE expected_rows_copy
