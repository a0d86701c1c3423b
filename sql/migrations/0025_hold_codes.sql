-- Why a charge was held when somebody decided about it, by code.
ALTER TABLE decisions
    ADD COLUMN IF NOT EXISTS hold_codes Array(LowCardinality(String)) COMMENT 'Codes of what held the charge then; empty where nothing did'
-- next
-- What persons decided, as analysts read it. Grain: decision. It is only ever added to.
CREATE OR REPLACE VIEW v_audit
(
    decided_at   DateTime64(3, 'UTC')   COMMENT 'When',
    decided_by   String                 COMMENT 'Who, as claimed on the command line or known by a login; of a load empty, its reason says who',
    action       LowCardinality(String) COMMENT 'release, undo_release, hold, approve, post, resolve (a charge); rebill, undo_rebill (a period); dismissed, withdrawn (a load); forget (a customer)',
    subject      String                 COMMENT 'What was decided about: oc_… (a charge), rb_… (a rebill), ld_… (a load) or rm_… (a removal)',
    customer_id  String                 COMMENT 'Of a rebill; else empty',
    amount_minor Nullable(Int64)        COMMENT 'What the charge came to then, in minor units',
    about        String                 COMMENT 'Why the charge was held, the hash of the plan that was approved or posted, or that of the customer id that was forgotten',
    reason       String                 COMMENT 'Why it was decided so',
    hold_codes   Array(LowCardinality(String)) COMMENT 'Why the charge was held then, by code; empty where it was not, and of decisions before there were codes'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT decided_at, decided_by, action, charge_id AS subject, '' AS customer_id, toNullable(amount_minor) AS amount_minor, about, reason, hold_codes
FROM decisions
UNION ALL
SELECT requested_at, requested_by, if(undone = 1, 'undo_rebill', 'rebill'), rebill_id, customer_id, NULL, '', reason, []
FROM rebills
UNION ALL
SELECT changed_at, '', status, concat('ld_', toString(load_seq)), '', NULL, '', message, []
FROM loads FINAL
WHERE status IN ('dismissed', 'withdrawn')
UNION ALL
SELECT at, requested_by, 'forget', removal_id, '', NULL, subject, reason, []
FROM removals
WHERE kind = 'forgotten' AND step = 'begun'
COMMENT 'Who decided what, when and why; grain: one row per decision'
