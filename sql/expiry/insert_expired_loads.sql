-- Writes that the removal of the rows of loads has begun: from here on they count by usage_daily. Input: the table expiring.
INSERT INTO expired_loads (load_seq, step, removal_id, before, timezone, rows_removed, rows_kept, days_kept, quantities,
    checksum, occurred_from, occurred_to, event_id_min, event_id_max, at)
SELECT load_seq, 'begun', {removal_id:String}, {before:DateTime64(9, 'UTC')}, {timezone:String}, rows_removed, rows_kept,
    days_kept, quantities, checksum, occurred_from, occurred_to, event_id_min, event_id_max, {at:DateTime64(3, 'UTC')}
FROM expiring
