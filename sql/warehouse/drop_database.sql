-- Removes the database of an embedded warehouse, which was found empty, or was left half restored.
DROP DATABASE IF EXISTS {database:Identifier} SYNC
