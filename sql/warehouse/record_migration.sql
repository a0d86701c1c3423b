-- Notes that all statements of a migration have run. Inputs: number, name, sha256. Repeating it changes nothing of note.
INSERT INTO schema_migrations (number, name, sha256, applied_at)
SELECT {number:UInt32}, {name:String}, {sha256:String}, now64(3, 'UTC')
