-- Loads that counted at an instant at which no load was being committed or withdrawn. Grain: load. They are given as not
-- rolled up, so that their raw events are read. A withdrawn load keeps the time it took until its commit.
SELECT load_seq, toUInt8(0) AS rolled, rows_loaded + rows_duplicate + rows_conflict AS events, occurred_from, occurred_to
FROM loads FINAL
WHERE status = 'committed' AND changed_at <= {at:DateTime64(3, 'UTC')}
    OR status = 'withdrawn' AND changed_at >= {at:DateTime64(3, 'UTC')}
        AND addMilliseconds(started_at, elapsed_ms) <= {at:DateTime64(3, 'UTC')}
ORDER BY load_seq
