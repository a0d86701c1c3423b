-- What a backup says of the warehouse. One row; what there is none of is empty or 0.
SELECT
    (SELECT max(load_seq) FROM loads FINAL WHERE status = 'committed') AS last_load_seq,
    (SELECT argMax(charge_id, (at, charge_id, step, kind)) FROM charge_event) AS last_charge_id,
    (SELECT argMax(step, (at, charge_id, step, kind)) FROM charge_event) AS last_step,
    (SELECT argMax(kind, (at, charge_id, step, kind)) FROM charge_event) AS last_kind,
    (SELECT max(at) FROM charge_event) AS last_at,
    (SELECT argMax(catalog_sha, run_seq) FROM aggregate_runs) AS catalog_sha
