-- A subscription whose tax Stripe computes takes no credits.
ALTER TABLE stripe_states
    COMMENT COLUMN hold 'gone, nobody (neither payment method nor e-mail), paused, unpaid, incomplete, taxed (takes no credits); empty when nothing does any more'
