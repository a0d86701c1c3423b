-- Removals of a kind and subject that were begun and are not done, the first one first. Grain: removal.
SELECT removal_id, toString(kind) AS kind, subject, before, rows, size_bytes, checksum, reason, requested_by, at
FROM removals
WHERE step = 'begun' AND kind = {kind:String} AND subject = {subject:String}
    AND removal_id GLOBAL NOT IN (SELECT removal_id FROM removals WHERE step = 'done')
ORDER BY at, removal_id
