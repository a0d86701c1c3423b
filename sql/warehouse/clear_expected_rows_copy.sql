-- Forgets what must be stored, in the second copy: it is recorded anew right after.
TRUNCATE TABLE expected_rows_copy
