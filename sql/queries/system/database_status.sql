-- database_status: the database as a whole.
-- Row: server_version, size_bytes, compression, runway (months), data_quality_score, quarantine_waiting.
SELECT
    current_setting('server_version') AS server_version,
    pg_database_size(current_database()) AS size_bytes,
    current_setting('default_toast_compression') AS compression,
    internal.partition_runway() AS runway,
    (
        SELECT
            100 * sum(w.weight * newest.passed::integer)::double precision
            / nullif(sum(w.weight), 0)
        FROM (
            SELECT DISTINCT ON (d.table_name, d.check_name)
                d.severity,
                d.passed
            FROM analytics.data_quality_metrics AS d
            WHERE
                d.measured_at > (
                    SELECT max(x.measured_at) - INTERVAL '7 days'
                    FROM analytics.data_quality_metrics AS x
                )
            ORDER BY d.table_name ASC, d.check_name ASC, d.measured_at DESC, d.id DESC
        ) AS newest
        INNER JOIN (VALUES ('info', 1), ('warning', 2), ('error', 4), ('critical', 8)) AS w (severity, weight)
            ON w.severity = newest.severity
    ) AS data_quality_score,
    (SELECT count(*) FROM internal.quarantine AS q WHERE q.status = 'waiting') AS quarantine_waiting
