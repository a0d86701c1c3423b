-- Reads every file of a table and holds it against its checksum. Grain: part.
CHECK TABLE {table:Identifier}
SETTINGS check_query_single_value_result = 0
