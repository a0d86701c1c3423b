-- Days of the given loads whose raw rows stay, each as often as it has rows that are a reason: those that a boundary divides,
-- and those with rows that replace another one or are replaced. Inputs: loads, timezone, and slices and split_days, as
-- rate.sql has them.
    (customer_id) -> if(customer_id GLOBAL IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline_of,
    divided AS
    (
        SELECT load_seq, customer_id, toDate(occurred_at, {timezone:String}) AS day
        FROM usage_events
        WHERE load_seq IN {loads:Array(UInt64)}
            AND ((timeline_of(customer_id), day) GLOBAL IN (SELECT timeline, day FROM split_days)
                OR (load_seq, row_number) GLOBAL IN
                    (SELECT replaced_load_seq, replaced_row_number FROM replaced_events
                        WHERE replaced_load_seq IN {loads:Array(UInt64)})
                OR (load_seq, row_number) GLOBAL IN
                    (SELECT load_seq, row_number FROM replaced_events WHERE load_seq IN {loads:Array(UInt64)}))
    ),
