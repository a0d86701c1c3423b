-- Takes the rows of the given loads out of usage_events, all but those of kept_days; done when the statement returns.
DELETE FROM usage_events
WHERE load_seq IN {loads:Array(UInt64)}
    AND (load_seq, customer_id, toDate(occurred_at, {timezone:String})) NOT IN
        (SELECT load_seq, customer_id, day FROM kept_days WHERE load_seq IN {loads:Array(UInt64)})
