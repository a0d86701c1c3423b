-- How many statements of that prefix are running. Input: prefix of their ids.
SELECT count() FROM system.processes WHERE startsWith(initial_query_id, {prefix:String}) AND user = currentUser()
