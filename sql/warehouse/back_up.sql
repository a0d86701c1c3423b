-- Copies the database, as it is now, to a folder below the one that backups go to. Embedded engine only. The same content is
-- stored as often as there is a file of it, so that each is found damaged by itself.
BACKUP DATABASE creditmill TO File({folder:String}) SETTINGS deduplicate_files = 0
