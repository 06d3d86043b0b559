-- ai_disagreement: scores on which two AI raters disagree, in the newest released 30 days.
-- Row: checked, disagreements.
SELECT
    coalesce(sum(d.n), 0)::bigint AS checked,
    coalesce(sum(d.disagreements), 0)::bigint AS disagreements
FROM analytics.dual_ai_validation_metrics AS d
WHERE
    d.withheld_reason IS NULL AND d.disagreements IS NOT NULL
    AND d.metric_date > (SELECT max(x.metric_date) - 30 FROM analytics.dual_ai_validation_metrics AS x)
