-- How many hashes need an exact comparison. Grain: one row.
SELECT uniqExact(id_hash) FROM candidate_ids
