-- drilled_backup: the newest backup that was restored and compared, and the installation's age.
-- Row: backup_age_hours and restore_seconds (NULL: there is none), installed_age_hours.
SELECT
    extract(EPOCH FROM now() - newest.created_at)::double precision / 3600 AS backup_age_hours,
    newest.restore_seconds,
    (
        SELECT extract(EPOCH FROM now() - min(h.applied_at))::double precision / 3600
        FROM internal.schema_history AS h
    ) AS installed_age_hours
FROM (SELECT) AS always
LEFT JOIN LATERAL (
    SELECT
        b.created_at,
        b.restore_seconds
    FROM internal.backups AS b
    WHERE b.state = 'drilled'
    ORDER BY b.created_at DESC
    LIMIT 1
) AS newest ON true
