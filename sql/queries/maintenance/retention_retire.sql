-- retention_retire: notes that a partition was detached.
-- Parameters: period, plan_id, row_counts (jsonb), size_bytes.
INSERT INTO internal.retired_partitions (period, plan_id, row_counts, size_bytes)
VALUES (%(period)s, %(plan_id)s, %(row_counts)s, %(size_bytes)s)
