-- Takes the rows that were copied to duplicate_events out of usage_events; done when the statement returns.
-- on: shards
DELETE FROM usage_events
WHERE load_seq = {load_seq:UInt64}
    AND row_number IN (SELECT row_number FROM duplicate_events WHERE load_seq = {load_seq:UInt64})
