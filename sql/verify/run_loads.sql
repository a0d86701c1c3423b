-- Loads that counted at an instant at which no load was being committed or withdrawn. Grain: load. A withdrawn load keeps
-- the time it took until its commit. cut_expired ones hold events at or after an instant, and their raw rows are gone.
SELECT load_seq, rows_loaded + rows_duplicate + rows_conflict AS events,
    toUInt8(occurred_to >= {as_of:DateTime64(9, 'UTC')} AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)) AS cut_expired
FROM loads FINAL
WHERE status = 'committed' AND changed_at <= {at:DateTime64(3, 'UTC')}
    OR status = 'withdrawn' AND changed_at >= {at:DateTime64(3, 'UTC')}
        AND addMilliseconds(started_at, elapsed_ms) <= {at:DateTime64(3, 'UTC')}
ORDER BY load_seq
