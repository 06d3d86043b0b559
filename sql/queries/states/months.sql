-- months: every month that has responses, or states of responses that are gone. Row: month (date).
SELECT date_trunc('month', r.created_at, 'UTC')::date AS month
FROM analytics.anonymized_assessment_responses AS r
GROUP BY 1
UNION
SELECT t.period_start AS month
FROM internal.trait_states AS t
WHERE t.family = 'month_all' AND t.layer = 'live'
ORDER BY month
