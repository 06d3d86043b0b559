-- forget_backfills: deletes old, ended backfills from Dagster's storage, with their tags.
-- Parameters: before (timestamptz).
WITH gone AS (
    DELETE FROM bulk_actions
    WHERE timestamp < %(before)s::timestamptz AT TIME ZONE 'UTC'
        AND status NOT IN ('REQUESTED', 'CANCELING', 'FAILING')
    RETURNING key
)

DELETE FROM backfill_tags WHERE backfill_id IN (SELECT g.key FROM gone AS g)
