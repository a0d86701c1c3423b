-- Takes all rows of a load that is not committed out of load_objects; done when the statement returns.
DELETE FROM load_objects WHERE load_seq = {load_seq:UInt64}
