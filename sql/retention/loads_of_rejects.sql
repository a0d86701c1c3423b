-- Loads that were done before a time and whose rejects have raw texts. Grain: load.
SELECT DISTINCT load_seq
FROM rejects
WHERE raw != '' AND load_seq GLOBAL IN
    (SELECT load_seq FROM loads FINAL WHERE status != 'loading' AND changed_at < {before:DateTime64(9, 'UTC')})
ORDER BY load_seq
