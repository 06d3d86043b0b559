-- retention_settle: notes what became of a plan.
-- Parameters: id (bigint), status (text), note (text or NULL: as it was), outcome (jsonb or NULL).
UPDATE internal.retention_plans
SET
    status = %(status)s,
    note = coalesce(%(note)s, note),
    outcome = %(outcome)s,
    settled_at = CASE WHEN %(status)s = 'applying' THEN NULL ELSE clock_timestamp() END
WHERE id = %(id)s
