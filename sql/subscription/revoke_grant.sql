-- Takes a grant back. Grain: grant; the caller knows that it was not taken back before.
INSERT INTO grant_revocations (grant_id, customer_id, revoked_at, reason, revoked_by, stored_at)
SELECT {grant_id:String}, {customer_id:String}, {revoked_at:DateTime64(9, 'UTC')}, {reason:String}, {by:String},
    {now:DateTime64(3, 'UTC')}
