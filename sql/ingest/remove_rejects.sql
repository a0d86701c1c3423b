-- Takes all rows of a load that is not committed out of rejects; done when the statement returns.
-- on: shards
DELETE FROM rejects WHERE load_seq = {load_seq:UInt64}
