-- Makes totals usable: their rows in usage_totals are complete. Input: counted.
INSERT INTO totals (totals_seq, timezone, loads, rows, exact_rows, events, added_at)
SELECT {totals_seq:UInt64}, {timezone:String}, groupArray(load_seq), {rows:UInt64}, {exact_rows:UInt64}, {events:UInt64}, {now:DateTime64(3, 'UTC')}
FROM counted
WHERE rolled = 1
