-- Empties the raw texts of rejects: of loads that were done before a time, or those that name one customer. What quotes a
-- text of such a row goes with it. Done when it returns.
ALTER TABLE rejects
UPDATE raw = '', reason = replaceRegexpAll(reason, '"[^"]*"', '"…"')
WHERE raw != '' AND load_seq IN
    (SELECT load_seq FROM loads FINAL WHERE status != 'loading' AND changed_at < {before:DateTime64(9, 'UTC')})
    AND ({everyone:Bool} OR position(raw, {customer:String}) > 0)
SETTINGS mutations_sync = 2
