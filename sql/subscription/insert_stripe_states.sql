-- Stores what was seen at Stripe. Input: the table new_states.
INSERT INTO stripe_states (stripe_id, hold, running, revision, seen_at)
SELECT stripe_id, hold, running, (SELECT max(revision) + 1 FROM stripe_states), {now:DateTime64(3, 'UTC')}
FROM new_states
