-- retention_plan: one stored plan.
-- Parameters: id (bigint). Row: id, planned_at, planned_by, status, settled_at, note, content.
SELECT p.id, p.planned_at, p.planned_by, p.status, p.settled_at, p.note, p.content
FROM internal.retention_plans AS p
WHERE p.id = %(id)s
