-- What the warehouse holds of the objects of a load. Grain: one row.
SELECT count(), sum(rows) FROM load_objects WHERE load_seq = {load_seq:UInt64}
