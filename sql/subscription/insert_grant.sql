-- Stores a grant. Grain: grant; the caller knows that the id is new.
INSERT INTO grants (grant_id, customer_id, credit_system, credits, starts_at, expires_at, priority, reason, granted_at,
    every, until, keeps)
SELECT {grant_id:String}, {customer_id:String}, {credit_system:String}, {credits:Decimal(76, 18)},
    {starts_at:DateTime64(9, 'UTC')}, {expires_at:Nullable(DateTime64(9, 'UTC'))}, {priority:UInt32},
    {reason:String}, {now:DateTime64(3, 'UTC')}, {every:String}, {until:Nullable(DateTime64(9, 'UTC'))}, {keeps:Bool}
