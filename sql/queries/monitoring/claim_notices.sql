-- claim_notices: alerts of which people have to be told now; telling is noted in the same statement,
-- so that two evaluations at once tell once.
-- Parameters: repeat_hours (double precision). Row: id.
UPDATE internal.alerts AS a
SET notified_at = now()
WHERE
    a.resolved_at IS NULL
    AND a.acknowledged_at IS NULL
    AND (
        a.notified_at IS NULL OR a.notified_at <= now() - make_interval(secs => %(repeat_hours)s * 3600)
        OR a.notified_at > now() + INTERVAL '1 hour' -- by a clock that has gone back since
    )
    AND NOT EXISTS (
        SELECT 1 FROM internal.alert_silences AS s
        WHERE s.rule IN (a.rule, 'all') AND s.starts_at <= now() AND s.ends_at > now()
    )
RETURNING a.id
