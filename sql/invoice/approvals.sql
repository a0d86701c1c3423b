-- The latest approval of each charge since a time. Grain: charge.
SELECT charge_id, latest.1 AS amount_minor, latest.2 AS approved_by, latest.3 AS stripe_customer
FROM
(
    SELECT charge_id, argMax((amount_minor, decided_by, stripe_customer), (decided_at, run_id)) AS latest
    FROM decisions
    WHERE decided_at >= {since:DateTime64(3, 'UTC')} AND action = 'approve'
    GROUP BY charge_id
)
ORDER BY charge_id
