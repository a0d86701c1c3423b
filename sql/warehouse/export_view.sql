-- All rows of a view, for a file. It is asked as the analyst, who sees the views only.
SELECT * FROM {view:Identifier}
