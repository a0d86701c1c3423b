-- Hashes of identities that are in the present load more than once, of one range of hashes.
INSERT INTO candidate_ids
SELECT id_hash
FROM usage_events
WHERE load_seq = {load_seq:UInt64} AND id_hash BETWEEN {hash_from:UInt64} AND {hash_to:UInt64}
GROUP BY id_hash
HAVING count() > 1
