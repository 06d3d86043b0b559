-- forget_checks: deletes old results of asset checks from Dagster's storage, at most some at once.
-- The newest result of each check and partition stays.
-- Parameters: before (timestamptz), limit (bigint).
DELETE FROM asset_check_executions
WHERE id IN (
    SELECT c.id
    FROM asset_check_executions AS c
    WHERE c.create_timestamp < %(before)s::timestamptz AT TIME ZONE 'UTC'
        AND EXISTS (
            SELECT 1 FROM asset_check_executions AS n
            WHERE n.asset_key = c.asset_key AND n.check_name = c.check_name
                AND n.partition IS NOT DISTINCT FROM c.partition AND n.id > c.id
                AND n.evaluation_event_storage_id IS NOT NULL
        )
    LIMIT %(limit)s
)
