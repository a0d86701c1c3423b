-- Writes the identities of the rows of the given loads that are to be removed: all but those of kept_days.
INSERT INTO expired_events (load_seq, row_number, id_hash, id_check)
SELECT load_seq, row_number, id_hash, sipHash64(event_id)
FROM usage_events
WHERE load_seq IN {loads:Array(UInt64)}
    AND (load_seq, customer_id, toDate(occurred_at, {timezone:String})) GLOBAL NOT IN
        (SELECT load_seq, customer_id, day FROM kept_days WHERE load_seq IN {loads:Array(UInt64)})
