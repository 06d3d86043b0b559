-- forget_events: deletes old events of finished runs from Dagster's storage, at most some at once.
-- The newest event of each kind about each asset and partition stays, and so do the results of
-- checks that are kept: without them a partition would look as if it had never been made.
-- Parameters: before (timestamptz), limit (bigint).
WITH gone AS (
    DELETE FROM event_logs
    WHERE id IN (
        SELECT e.id
        FROM event_logs AS e
        WHERE e.timestamp < %(before)s::timestamptz AT TIME ZONE 'UTC'
            AND (
                e.asset_key IS NULL
                OR e.partition IS NULL AND EXISTS (
                    SELECT 1 FROM event_logs AS n
                    WHERE n.asset_key = e.asset_key AND n.dagster_event_type = e.dagster_event_type
                        AND n.partition IS NULL AND n.id > e.id
                )
                OR e.partition IS NOT NULL AND EXISTS (
                    SELECT 1 FROM event_logs AS n
                    WHERE n.asset_key = e.asset_key AND n.dagster_event_type = e.dagster_event_type
                        AND n.partition = e.partition AND n.id > e.id
                )
            )
            AND NOT EXISTS (
                SELECT 1 FROM asset_check_executions AS c WHERE c.evaluation_event_storage_id = e.id
            )
            AND NOT EXISTS (
                SELECT 1 FROM runs AS r
                WHERE r.run_id = e.run_id AND r.status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')
            )
        LIMIT %(limit)s
    )
    RETURNING id
),

untagged AS (
    DELETE FROM asset_event_tags WHERE event_id IN (SELECT g.id FROM gone AS g)
)

SELECT count(*) AS number FROM gone
