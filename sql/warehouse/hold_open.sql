-- Waits at the gate until the engine is confined (enginechild.go), opens its port and keeps it running: the last query never
-- ends.
SELECT file('gate') FORMAT Null;
SYSTEM START LISTEN TCP;
SELECT number FROM system.numbers WHERE sleepEachRow(0.1) = 1 SETTINGS max_block_size = 1 FORMAT Null
