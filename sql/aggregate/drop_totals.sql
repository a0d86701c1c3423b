-- Removes the rows of totals.
ALTER TABLE usage_totals DROP PARTITION {totals_seq:UInt64}
