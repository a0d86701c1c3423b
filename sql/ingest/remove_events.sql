-- Takes all rows of a load that is not committed out of usage_events; done when the statement returns.
-- on: shards
DELETE FROM usage_events WHERE load_seq = {load_seq:UInt64}
