-- Loads that are being read: what they bring is not there yet. Grain: load.
SELECT load_seq, file
FROM loads FINAL
WHERE status = 'loading'
ORDER BY load_seq
