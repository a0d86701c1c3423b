-- An approval is good for the Stripe customer that was to be charged then.
ALTER TABLE decisions
    ADD COLUMN IF NOT EXISTS stripe_customer String DEFAULT '' COMMENT 'Stripe customer of the charge then; empty for decisions before version 27 of the schema'
