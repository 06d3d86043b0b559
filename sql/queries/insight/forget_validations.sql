-- forget_validations: deletes the released AI validation figures of one day.
-- Parameters: day (date).
DELETE FROM analytics.dual_ai_validation_metrics
WHERE metric_date = %(day)s
