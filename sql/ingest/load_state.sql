-- The present state of a load, and its revision; no row where it has none. Grain: load.
SELECT status, revision FROM loads FINAL WHERE load_seq = {load_seq:UInt64}
