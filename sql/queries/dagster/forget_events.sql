-- forget_events: deletes events in Dagster's storage that have expired, at most some at once.
-- Parameters: before (timestamptz), limit (bigint).
DELETE FROM event_logs
WHERE id IN (
    SELECT e.id
    FROM event_logs AS e
    WHERE e.timestamp < %(before)s::timestamptz AT TIME ZONE 'UTC' AND e.asset_key IS NULL
        AND coalesce(e.dagster_event_type, '') NOT LIKE 'ASSET%%'
        AND NOT EXISTS (
            SELECT 1 FROM runs AS r
            WHERE r.run_id = e.run_id AND r.status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')
        )
    LIMIT %(limit)s
)
