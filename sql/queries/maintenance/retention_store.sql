-- retention_store: stores a plan of retention.
-- Parameters: planned_at (timestamptz), planned_by (text), content (jsonb). Row: id.
INSERT INTO internal.retention_plans (planned_at, planned_by, content)
VALUES (%(planned_at)s, %(planned_by)s, %(content)s)
RETURNING id
