-- database_status: the database as a whole.
-- Row: server_version, size_bytes, compression, runway (months), data_quality_score, quarantine_waiting.
SELECT
    current_setting('server_version') AS server_version,
    pg_database_size(current_database()) AS size_bytes,
    current_setting('default_toast_compression') AS compression,
    internal.partition_runway() AS runway,
    (
        SELECT
            100 * sum(w.weight * d.passed::integer)::double precision / nullif(sum(w.weight), 0)
        FROM analytics.data_quality_metrics AS d
        INNER JOIN (VALUES ('info', 1), ('warning', 2), ('error', 4), ('critical', 8)) AS w (severity, weight)
            ON w.severity = d.severity
        WHERE d.measured_at = (SELECT max(x.measured_at) FROM analytics.data_quality_metrics AS x)
    ) AS data_quality_score,
    (SELECT count(*) FROM internal.quarantine AS q WHERE q.status = 'waiting') AS quarantine_waiting
