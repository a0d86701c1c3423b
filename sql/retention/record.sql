-- Writes a step of a removal: begun or done.
INSERT INTO removals (removal_id, step, kind, subject, before, rows, size_bytes, checksum, reason, requested_by, at)
SELECT {removal_id:String}, {step:String}, {kind:String}, {subject:String}, {before:DateTime64(9, 'UTC')}, {rows:UInt64},
    {size_bytes:UInt64}, {checksum:UInt64}, {reason:String}, {requested_by:String}, {at:DateTime64(3, 'UTC')}
