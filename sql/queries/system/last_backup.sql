-- last_backup: the newest backup that counts, one that was restored and compared.
-- Row: created_at, restore_seconds.
SELECT
    b.created_at,
    b.restore_seconds
FROM internal.backups AS b
WHERE b.state = 'drilled' AND b.fault IS NULL
ORDER BY b.created_at DESC
LIMIT 1
