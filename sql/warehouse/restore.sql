-- Makes the database from a backup. Embedded engine only.
RESTORE DATABASE creditmill FROM File({folder:String})
