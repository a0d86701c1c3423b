-- Empties the scratch table of identity checks. Only the holder of the writers' lock uses it.
TRUNCATE TABLE candidate_ids
