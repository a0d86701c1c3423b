-- Tables of a database. Input: database. Grain: table.
SELECT name FROM system.tables WHERE database = {database:String} ORDER BY name
