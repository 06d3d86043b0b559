-- old_runs: finished runs in Dagster's storage of which no event is left, the oldest first.
-- Parameters: before (timestamptz), limit (bigint). Row: run_id.
SELECT r.run_id
FROM runs AS r
WHERE r.update_timestamp < %(before)s::timestamptz AT TIME ZONE 'UTC'
    AND r.status IN ('SUCCESS', 'FAILURE', 'CANCELED')
    AND NOT EXISTS (SELECT 1 FROM event_logs AS e WHERE e.run_id = r.run_id)
    AND NOT EXISTS (SELECT 1 FROM asset_check_executions AS c WHERE c.run_id = r.run_id)
ORDER BY r.id
LIMIT %(limit)s
