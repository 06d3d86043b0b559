-- alert_states: where each rule stands. Row: rule, phase, since, evaluated_at.
SELECT
    s.rule,
    s.phase,
    s.since,
    s.evaluated_at
FROM internal.alert_states AS s
ORDER BY s.rule
