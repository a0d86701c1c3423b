-- How many committed loads of the source may hold an id of the present load, going by smallest and largest id, and how many
-- of them have replaced rows: then not always the earliest load's row stands. Grain: one row.
SELECT count(), countIf(rows_masked > 0)
FROM loads FINAL
WHERE status = 'committed' AND source = {source:String} AND rows_loaded + rows_duplicate + rows_conflict > 0
    AND event_id_max >= {event_id_min:String} AND event_id_min <= {event_id_max:String}
