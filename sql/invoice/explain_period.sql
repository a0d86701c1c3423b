-- All frozen charges of one customer's period, oldest first. Grain: charge. Inputs: those in the condition.
SELECT charge_id, kind, if(isNull(posted_minor), amount_minor, assumeNotNull(posted_minor)) AS charged_minor, frozen_at
FROM v_charges
WHERE customer_id = {customer_id:String} AND credit_system = {credit_system:String}
    AND period_start = {period_start:DateTime64(9, 'UTC')} AND period_end = {period_end:DateTime64(9, 'UTC')}
    AND stripe_account = {stripe_account:String} AND livemode = {livemode:UInt8}
ORDER BY frozen_at, charge_id
