-- The table of the shards as home sees it: their rows as one; its columns are theirs. Inputs: table, database of the shards,
-- cluster.
CREATE TABLE IF NOT EXISTS {table:Identifier}
ENGINE = Distributed({cluster:Identifier}, {database:Identifier}, {table:Identifier})
