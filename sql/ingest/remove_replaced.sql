-- Takes all rows of a load that is not committed out of replaced_events; done when the statement returns.
DELETE FROM replaced_events WHERE load_seq = {load_seq:UInt64}
