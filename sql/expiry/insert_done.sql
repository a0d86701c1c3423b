-- Writes that the rows of loads are gone, whose removal was begun.
INSERT INTO expired_loads
SELECT * REPLACE ('done' AS step, {at:DateTime64(3, 'UTC')} AS at)
FROM (SELECT * FROM expired_loads WHERE step = 'begun' AND load_seq IN {loads:Array(UInt64)})
