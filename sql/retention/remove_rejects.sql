-- Empties the raw texts of rejects: of the given loads, of one customer or of everyone. What quotes a
-- text of such a row goes with it. Done when it returns.
-- on: shards
ALTER TABLE rejects
UPDATE raw = '', reason = replaceRegexpAll(reason, '"[^"]*"', '"…"')
WHERE raw != '' AND load_seq IN {loads:Array(UInt64)}
    AND ({everyone:Bool} OR position(raw, {customer:String}) > 0)
SETTINGS mutations_sync = 2
