-- retention_dropped: notes that a detached partition was dropped.
-- Parameters: period, detached_at.
UPDATE internal.retired_partitions
SET dropped_at = now()
WHERE period = %(period)s AND detached_at = %(detached_at)s AND dropped_at IS NULL
