-- Gives a load its next state and leaves everything else of it as it was. The state outranks the next one that the load's
-- own process may have sent before it was killed.
INSERT INTO loads
SELECT * REPLACE (
    revision + 2 AS revision,
    {status:String} AS status,
    {message:String} AS message,
    {changed_at:DateTime64(9, 'UTC')} AS changed_at
)
FROM loads FINAL
WHERE load_seq = {load_seq:UInt64}
