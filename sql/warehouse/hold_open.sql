-- Opens the embedded engine's ports and keeps it running: the last query never ends by itself (see kill_holder.sql).
SYSTEM START LISTEN TCP;
SYSTEM START LISTEN HTTP;
SELECT sleepEachRow(0.1) FROM system.numbers SETTINGS max_block_size = 1 FORMAT Null
