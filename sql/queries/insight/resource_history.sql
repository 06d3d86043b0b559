-- resource_history: how much of each resource was used, by UTC day, ascending: rows accepted up to its
-- end (what was deleted since stays counted), highest size of the database, seconds that jobs took (of
-- whole days: not the present one), highest share of the connections.
-- Parameters: since (date).
-- Row: resource, day (date), used (rows, bytes, seconds, percent).
WITH measured AS (
    SELECT
        CASE h.metric WHEN 'size_bytes' THEN 'bytes' ELSE 'connections' END AS resource,
        (h.measured_at AT TIME ZONE 'UTC')::date AS day,
        max(h.value) AS used
    FROM analytics.system_health_metrics AS h
    WHERE
        h.component = 'database' AND h.metric IN ('size_bytes', 'connections_percent')
        AND h.measured_at >= %(since)s::date AND h.value IS NOT NULL
    GROUP BY 1, 2
),

loads AS (
    SELECT
        (b.loaded_at AT TIME ZONE 'UTC')::date AS day,
        sum((b.receipt ->> 'accepted')::double precision) AS accepted
    FROM internal.batches AS b
    WHERE b.status = 'loaded'
    GROUP BY 1
),

taken AS (
    SELECT
        d.day::date AS day,
        sum(l.accepted) AS used
    FROM generate_series(
        greatest(%(since)s::date, (SELECT min(f.day) FROM loads AS f)),
        (now() AT TIME ZONE 'UTC')::date,
        INTERVAL '1 day'
    ) AS d (day)
    INNER JOIN loads AS l ON l.day <= d.day
    GROUP BY 1
),

worked AS (
    SELECT
        (j.started_at AT TIME ZONE 'UTC')::date AS day,
        sum(extract(EPOCH FROM j.finished_at - j.started_at))::double precision AS used
    FROM analytics.processing_jobs AS j
    WHERE
        j.finished_at IS NOT NULL AND j.started_at >= %(since)s::date
        AND j.started_at < date_trunc('day', now(), 'UTC')
    GROUP BY 1
)

SELECT
    m.resource,
    m.day,
    m.used
FROM measured AS m
UNION ALL
SELECT
    'rows' AS resource,
    s.day,
    s.used
FROM taken AS s
UNION ALL
SELECT
    'runtime' AS resource,
    w.day,
    w.used
FROM worked AS w
ORDER BY resource, day
