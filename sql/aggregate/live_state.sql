-- Changes when anything does that balances depend on, but for loads of the spool of serve unless they are withdrawn: who
-- loads those knows what they hold. Grain: one row.
SELECT toString((
    (SELECT groupBitXor(cityHash64(load_seq, revision, status)) FROM loads FINAL WHERE status IN ('committed', 'withdrawn')
        AND NOT (status = 'committed' AND match(file, '^events/[^/]+/[0-9]{19}\\.jsonl$'))),
    (SELECT max(revision) FROM customers),
    (SELECT max(revision) FROM subscriptions),
    (SELECT count() FROM grants),
    (SELECT count() FROM grant_revocations),
    (SELECT count() FROM closed_periods),
    (SELECT count() FROM rebills))) AS state,
    (SELECT count() FROM loads FINAL WHERE status = 'withdrawn') AS withdrawn
