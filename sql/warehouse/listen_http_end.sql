-- Closes the HTTP port of the embedded engine.
SYSTEM STOP LISTEN HTTP
