-- Number of counted events before an instant, by the paths that rating takes, without its joins. Grain: one row.
-- Inputs: counted (load_seq, rolled, to_cut, totalled, daily); to_cut marks loads with events at or after the instant, none
-- of them totalled. Totalled events were counted when the totals were made; for some customers alone they are read.
WITH
-- term first
    (customer_id) -> {everyone:Bool} OR customer_id IN {customers:Array(String)} AS asked_for
SELECT toUInt64(
    (
        SELECT sum(events) FROM usage_daily
        WHERE timezone = {timezone:String}
            AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE daily = 1 AND to_cut = 0) AND replaced_load_seq = 0
            AND (load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE totalled = 0) OR notEmpty(superseded_by))
            AND is_first(superseded_by)
            AND asked_for(customer_id)
    )
    + if({everyone:Bool}, {totals_events:UInt64}, (
        SELECT sum(events) FROM usage_totals
        WHERE NOT {everyone:Bool} AND totals_seq = {totals_seq:UInt64} AND customer_id IN {customers:Array(String)}
    ))
-- if any_replaced
    - (
        SELECT sum(events) FROM usage_daily
        WHERE timezone = {timezone:String}
            AND load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE daily = 1 AND to_cut = 0)
            AND replaced_load_seq GLOBAL IN (SELECT load_seq FROM counted)
            AND (load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE totalled = 0) OR notEmpty(superseded_by))
            AND is_first(superseded_by)
            AND asked_for(customer_id)
    )
    - (
        SELECT count() FROM replaced_events
        WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 0 OR to_cut = 1)
            AND replaced_load_seq GLOBAL IN (SELECT load_seq FROM counted)
            AND occurred_at < {as_of:DateTime64(9, 'UTC')}
            AND is_first(superseded_by)
            AND asked_for(customer_id)
    )
-- end if
-- if any_divided
    + (
        SELECT count() FROM usage_events
        WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 0 OR to_cut = 1)
            AND occurred_at < {as_of:DateTime64(9, 'UTC')}
            AND asked_for(customer_id)
    )
    + (
        SELECT count() FROM duplicate_events
        WHERE load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE rolled = 0 OR to_cut = 1)
            AND occurred_at < {as_of:DateTime64(9, 'UTC')}
            AND is_first(superseded_by)
            AND asked_for(customer_id)
    )
-- end if
    ) AS events
