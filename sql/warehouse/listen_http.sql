-- Opens the HTTP port, which the embedded engine was given and keeps closed until somebody asks for it. Open already: no change.
SYSTEM START LISTEN HTTP
