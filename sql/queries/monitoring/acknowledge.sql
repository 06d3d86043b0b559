-- acknowledge: somebody takes an open alert on. Parameters: id, account, note. Row: id.
UPDATE internal.alerts AS a
SET acknowledged_at = now(), acknowledged_by = %(account)s, note = %(note)s
WHERE a.id = %(id)s AND a.resolved_at IS NULL
RETURNING a.id
