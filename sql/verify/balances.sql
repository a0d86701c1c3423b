-- Stored balances that do not add up, and by which rule, at most `most`. Grain: customer, credit system, period.
SELECT
    customer_id, credit_system, period_start,
    arrayFilter(rule -> rule != '', [
        if((granted IS NULL) != (balance IS NULL) OR (granted IS NULL) != (remaining IS NULL),
            'granted, balance and remaining are not unlimited together', ''),
        if(granted IS NOT NULL AND granted - used != balance, concat('granted ', toString(assumeNotNull(granted)), ' - used ',
            toString(used), ' is not balance ', toString(assumeNotNull(balance))), ''),
        if(balance IS NOT NULL AND remaining != greatest(balance, toDecimal256(0, 18)), concat('remaining ',
            toString(assumeNotNull(remaining)), ' of balance ', toString(assumeNotNull(balance))), ''),
        if(balance IS NOT NULL AND overage != greatest(negate(balance), toDecimal256(0, 18)), concat('overage ',
            toString(overage), ' of balance ', toString(assumeNotNull(balance))), ''),
        if(granted IS NULL AND overage != 0, concat('overage ', toString(overage), ' of unlimited credits'), ''),
        if(overage != billable + capped, concat('overage ', toString(overage), ' is not billable ', toString(billable),
            ' + capped ', toString(capped)), ''),
        if(billable < 0 OR capped < 0, concat('billable ', toString(billable), ' or capped ', toString(capped),
            ' is below zero'), '')]) AS broken
FROM v_balances
WHERE notEmpty(broken)
ORDER BY customer_id, credit_system, period_start
LIMIT {most:UInt64}
