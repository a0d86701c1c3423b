-- When the raw rows of a load expired. Grain: no row or one.
SELECT at FROM expired_loads WHERE load_seq = {load_seq:UInt64} AND step = 'begun' LIMIT 1
