-- drilled_backup: age of the newest backup that was restored and compared, and of the installation.
-- Row: backup_age_hours (NULL: there is none), installed_age_hours.
SELECT
    (
        SELECT extract(EPOCH FROM now() - max(b.created_at))
        FROM internal.backups AS b
        WHERE b.state = 'drilled'
    )::double precision / 3600 AS backup_age_hours,
    extract(EPOCH FROM now() - min(h.applied_at))::double precision / 3600 AS installed_age_hours
FROM internal.schema_history AS h
