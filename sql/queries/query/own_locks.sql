-- own_locks: relations that this transaction has locked, which are those its statement names.
-- The view pg_locks is not asked, because it would be among them. Row: relation (oid).
SELECT DISTINCT l.relation
FROM pg_lock_status() AS l
WHERE l.locktype = 'relation' AND l.pid = pg_backend_pid()
