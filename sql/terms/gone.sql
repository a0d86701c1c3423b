-- Whether a row of usage_events is one that is being removed: of a load whose removal was begun and is not done. Where nothing
-- was cut short, nothing is.
    (load_seq, row_number) -> load_seq GLOBAL IN
            (SELECT load_seq FROM expired_loads GROUP BY load_seq HAVING countIf(step = 'done') = 0)
        AND (load_seq, row_number) GLOBAL IN
            (SELECT load_seq, row_number FROM expired_events WHERE load_seq GLOBAL IN
                (SELECT load_seq FROM expired_loads GROUP BY load_seq HAVING countIf(step = 'done') = 0)) AS is_gone,
