-- alerts: open alerts and those that ended since a moment, newest first, with the silence over them.
-- Parameters: since (timestamptz).
SELECT
    a.id,
    a.rule,
    a.severity,
    a.summary,
    a.value,
    a.threshold,
    a.unit,
    a.runbook,
    a.started_at,
    a.resolved_at,
    a.notified_at,
    a.acknowledged_at,
    a.acknowledged_by,
    a.note,
    (
        SELECT max(s.ends_at) FROM internal.alert_silences AS s
        WHERE s.rule IN (a.rule, 'all') AND s.starts_at <= now() AND s.ends_at > now()
    ) AS silenced_until
FROM internal.alerts AS a
WHERE a.resolved_at IS NULL OR a.resolved_at >= %(since)s
ORDER BY a.id DESC
