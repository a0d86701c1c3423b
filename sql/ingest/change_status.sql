-- Gives a load its next state and leaves everything else of it as it was.
INSERT INTO loads
SELECT * REPLACE (
    revision + 1 AS revision,
    {status:String} AS status,
    {message:String} AS message,
    {changed_at:DateTime64(9, 'UTC')} AS changed_at
)
FROM loads FINAL
WHERE load_seq = {load_seq:UInt64}
