-- resolve_alert: ends the open alert of a rule. Parameters: rule, resolved_at. Row: id.
UPDATE internal.alerts AS a
SET resolved_at = %(resolved_at)s
WHERE a.rule = %(rule)s AND a.resolved_at IS NULL
RETURNING a.id
