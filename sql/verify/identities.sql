-- Identities with one of the hashes that several counted events have, and where these stand. Grain: source, event_id.
SELECT
    toString(source) AS source_id,
    event_id,
    count() AS rows,
    arrayMap(place -> concat('ld_', toString(place.1), ' row ', toString(place.2)),
        arraySort(groupArray(10)((load_seq, row_number)))) AS places
FROM v_events
WHERE cityHash64(toString(source), event_id) IN {hashes:Array(UInt64)}
GROUP BY source_id, event_id
HAVING rows > 1
ORDER BY source_id, event_id
