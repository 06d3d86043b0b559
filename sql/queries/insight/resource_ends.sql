-- resource_ends: what is left of the disk by the newest measurement, and whole months with partitions.
-- Row: disk_free_bytes (NULL: never measured), runway_months.
SELECT
    (
        SELECT h.value
        FROM analytics.system_health_metrics AS h
        WHERE h.component = 'host' AND h.metric = 'disk_free' AND h.value IS NOT NULL
        ORDER BY h.measured_at DESC
        LIMIT 1
    ) AS disk_free_bytes,
    internal.partition_runway() AS runway_months
