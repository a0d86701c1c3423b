-- How many days of a customer the roll-up has of loads whose raw rows expired, between two days, both inclusive. Grain: one row.
SELECT uniqExact(day) AS days
FROM usage_daily
WHERE customer_id = {customer_id:String} AND day >= {from:Date} AND day <= {to:Date}
    AND load_seq GLOBAL IN (SELECT load_seq FROM expired_loads)
