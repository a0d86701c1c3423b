-- Makes the database of an embedded warehouse. Does nothing when it is there. Never run on a server of the user's own.
CREATE DATABASE IF NOT EXISTS {database:Identifier} ENGINE = Atomic
