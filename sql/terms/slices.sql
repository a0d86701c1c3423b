-- What rating and totals ask of usage: whose slices hold for a customer, whether a boundary divides a day, whether a row is
-- in no total that is read, and the amounts of a row that is taken off, modulo 2^128. Inputs: slices, split_days, counted,
-- unfit.
    amounts -> arrayMap(amount -> toUInt128(-toInt128(amount)), amounts) AS negative,
    (customer_id) -> if(customer_id GLOBAL IN (SELECT timeline FROM slices), toString(customer_id), '') AS timeline_of,
    (timeline, day) -> (timeline, day) GLOBAL IN (SELECT timeline, day FROM split_days) AS is_split,
    (load_seq, customer_id) -> load_seq GLOBAL IN (SELECT load_seq FROM counted WHERE totalled = 0)
        OR customer_id GLOBAL IN (SELECT customer_id FROM unfit) AS lacks_totals,
