-- keep_alert_state: keeps where a rule stands. Parameters: rule, phase, since, evaluated_at.
INSERT INTO internal.alert_states (rule, phase, since, evaluated_at)
VALUES (%(rule)s, %(phase)s, %(since)s, %(evaluated_at)s)
ON CONFLICT (rule) DO UPDATE
SET phase = excluded.phase, since = excluded.since, evaluated_at = excluded.evaluated_at
