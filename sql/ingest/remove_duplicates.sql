-- Takes all rows of a load that is not committed out of duplicate_events; done when the statement returns.
-- on: shards
DELETE FROM duplicate_events WHERE load_seq = {load_seq:UInt64}
