-- raise_alert: opens an alert; an open one of the same rule stays as it is.
-- Parameters: rule, severity, summary, value, threshold, unit, runbook, started_at.
INSERT INTO internal.alerts (rule, severity, summary, value, threshold, unit, runbook, started_at)
VALUES (
    %(rule)s, %(severity)s, %(summary)s, %(value)s, %(threshold)s, %(unit)s, %(runbook)s, %(started_at)s
)
ON CONFLICT (rule) WHERE resolved_at IS NULL DO NOTHING
