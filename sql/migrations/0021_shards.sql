-- Where the rows of a load are, in a cluster of shards.
ALTER TABLE loads
    ADD COLUMN IF NOT EXISTS shard UInt32 DEFAULT 0 COMMENT 'Shard of the cluster that holds its rows; 0 where there is one server'
