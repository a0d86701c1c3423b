-- Ends the query that holds the embedded engine open; the engine then stops as after any last query. The engine's own
-- session, and no other, shows an empty user there.
KILL QUERY WHERE user = '' ASYNC
