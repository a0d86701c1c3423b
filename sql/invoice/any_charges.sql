-- Whether a charge was ever frozen, for whatever account. Grain: one row.
SELECT count() > 0 FROM charge_plan
