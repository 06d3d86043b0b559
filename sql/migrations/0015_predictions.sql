-- What: the level that a prediction's interval is meant to cover, and an index of predictions that wait for their truth.
-- Why: without the level nobody can judge an interval; scoring looks for what is not scored yet, in a table that only grows.
-- Locks: ACCESS EXCLUSIVE on predictive_analytics_results for an instant (no rewrite), SHARE while the index is built.
-- Way back: drop the index and the column; intervals are then scored by coverage alone.

ALTER TABLE analytics.predictive_analytics_results
ADD COLUMN interval_level double precision
CONSTRAINT predictive_analytics_results_interval_level_check CHECK (interval_level > 0 AND interval_level < 1);
COMMENT ON COLUMN analytics.predictive_analytics_results.interval_level IS 'Probability, 0 to 1, with which the interval is meant to cover what comes';

CREATE INDEX predictive_analytics_results_waiting_idx
ON analytics.predictive_analytics_results (prediction_target, id) WHERE scored_at IS NULL;

CREATE INDEX predictive_analytics_results_target_idx
ON analytics.predictive_analytics_results (prediction_target, model_name, target_period);
