-- settle_quarantine: marks records that a later judgement took.
-- Parameters: ids (bigint []), batch_id (bigint).
UPDATE internal.quarantine
SET status = 'settled', settled_at = now(), settled_by = %(batch_id)s
WHERE id = ANY(%(ids)s::bigint [])
