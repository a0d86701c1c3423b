-- Frozen charges that a person means by a name: a customer, the id of an object at Stripe (one that was made for the charge, or
-- the invoice that its item was put on or has been seen on), or the beginning of a charge's id.
-- Grain: charge, those of the latest period first. Inputs: name, prefix (never empty; one that no charge id has where the name is no
-- beginning of one).
SELECT charge_id
FROM v_charges
WHERE customer_id = {name:String} OR stripe_customer = {name:String} OR startsWith(charge_id, {prefix:String})
    OR invoice_id = {name:String} OR JSONExtractString(request_body, 'item', 'invoice') = {name:String}
    OR charge_id GLOBAL IN (SELECT charge_id FROM charge_event WHERE stripe_id = {name:String})
ORDER BY period_start DESC, charge_id
