-- retention_retired: detached partitions that wait to be dropped, the oldest first.
-- Row: period, detached_at, row_counts (jsonb), size_bytes.
SELECT p.period, p.detached_at, p.row_counts, p.size_bytes
FROM internal.retired_partitions AS p
WHERE p.dropped_at IS NULL
ORDER BY p.detached_at, p.period
