-- Ends statements that a process left behind, and waits until they are done. Input: prefix of their ids.
KILL QUERY WHERE startsWith(initial_query_id, {prefix:String}) AND user = currentUser() SYNC
