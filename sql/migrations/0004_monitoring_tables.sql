-- What: jobs, data quality, system health and the append-only audit log.
-- Why: the seed's monitoring tables.
-- Locks: none that matter, the tables are new.
-- Way back: drop the tables; the audit log is lost.

CREATE TABLE analytics.processing_jobs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    job_type text NOT NULL,
    subject text,
    status text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    records_received bigint,
    records_accepted bigint,
    records_duplicate bigint,
    records_quarantined bigint,
    attempts integer NOT NULL DEFAULT 1,
    run_id text,
    error text,
    CONSTRAINT processing_jobs_pkey PRIMARY KEY (id),
    CONSTRAINT processing_jobs_status_check CHECK (status IN ('running', 'succeeded', 'failed'))
);
COMMENT ON TABLE analytics.processing_jobs IS 'One row per run of ingestion, refresh and the like';
COMMENT ON COLUMN analytics.processing_jobs.id IS 'Number of the job';
COMMENT ON COLUMN analytics.processing_jobs.job_type IS 'ingest, undo, refresh, rebuild, retry ...';
COMMENT ON COLUMN analytics.processing_jobs.subject IS 'What it worked on: the name of a batch, a period';
COMMENT ON COLUMN analytics.processing_jobs.status IS 'running, succeeded or failed';
COMMENT ON COLUMN analytics.processing_jobs.started_at IS 'When it began';
COMMENT ON COLUMN analytics.processing_jobs.finished_at IS 'When it ended';
COMMENT ON COLUMN analytics.processing_jobs.records_received IS 'Records read';
COMMENT ON COLUMN analytics.processing_jobs.records_accepted IS 'Records stored';
COMMENT ON COLUMN analytics.processing_jobs.records_duplicate IS 'Records that were there already';
COMMENT ON COLUMN analytics.processing_jobs.records_quarantined IS 'Records put aside with a reason';
COMMENT ON COLUMN analytics.processing_jobs.attempts IS 'Tries so far';
COMMENT ON COLUMN analytics.processing_jobs.run_id IS 'Dagster run, if one asked for it';
COMMENT ON COLUMN analytics.processing_jobs.error IS 'What failed';
CREATE INDEX processing_jobs_started_at_idx ON analytics.processing_jobs (started_at DESC);

CREATE TABLE analytics.data_quality_metrics (
    id bigint GENERATED ALWAYS AS IDENTITY,
    measured_at timestamptz NOT NULL DEFAULT now(),
    table_name text NOT NULL,
    check_name text NOT NULL,
    partition_key text NOT NULL DEFAULT 'all',
    passed boolean NOT NULL,
    severity text NOT NULL,
    score double precision,
    details jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT data_quality_metrics_pkey PRIMARY KEY (id),
    CONSTRAINT data_quality_metrics_severity_check CHECK (severity IN ('info', 'warning', 'error', 'critical'))
);
COMMENT ON TABLE analytics.data_quality_metrics IS 'One row per evaluated data quality check';
COMMENT ON COLUMN analytics.data_quality_metrics.id IS 'Number of the evaluation';
COMMENT ON COLUMN analytics.data_quality_metrics.measured_at IS 'When it was evaluated';
COMMENT ON COLUMN analytics.data_quality_metrics.table_name IS 'Table it is about';
COMMENT ON COLUMN analytics.data_quality_metrics.check_name IS 'Name of the check';
COMMENT ON COLUMN analytics.data_quality_metrics.partition_key IS 'Partition it is about, or all';
COMMENT ON COLUMN analytics.data_quality_metrics.passed IS 'Whether it holds';
COMMENT ON COLUMN analytics.data_quality_metrics.severity IS 'info, warning, error or critical';
COMMENT ON COLUMN analytics.data_quality_metrics.score IS 'Share of what was checked that is well, 0 to 1';
COMMENT ON COLUMN analytics.data_quality_metrics.details IS 'n, threshold, sample';
CREATE INDEX data_quality_metrics_measured_at_idx ON analytics.data_quality_metrics (measured_at DESC);

CREATE TABLE analytics.system_health_metrics (
    measured_at timestamptz NOT NULL DEFAULT now(),
    component text NOT NULL,
    metric text NOT NULL,
    value double precision,
    unit text NOT NULL,
    status text NOT NULL,
    CONSTRAINT system_health_metrics_pkey PRIMARY KEY (measured_at, component, metric),
    CONSTRAINT system_health_metrics_status_check CHECK (status IN ('healthy', 'degraded', 'unhealthy', 'unknown'))
);
COMMENT ON TABLE analytics.system_health_metrics IS 'Measured figures of server, host, pool and orchestrator';
COMMENT ON COLUMN analytics.system_health_metrics.measured_at IS 'When it was measured';
COMMENT ON COLUMN analytics.system_health_metrics.component IS 'database, host, pool, query, dagster ...';
COMMENT ON COLUMN analytics.system_health_metrics.metric IS 'Name of the figure';
COMMENT ON COLUMN analytics.system_health_metrics.value IS 'The figure; NULL when it could not be had';
COMMENT ON COLUMN analytics.system_health_metrics.unit IS 'Its unit';
COMMENT ON COLUMN analytics.system_health_metrics.status IS 'healthy, degraded, unhealthy or unknown';

CREATE TABLE analytics.audit_log (
    sequence bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    object text,
    statement_digest text,
    parameters_digest text,
    row_count bigint,
    previous_hash bytea,
    hash bytea,
    CONSTRAINT audit_log_pkey PRIMARY KEY (sequence)
);
COMMENT ON TABLE analytics.audit_log IS 'Append-only: who did what, reads through query included';
COMMENT ON COLUMN analytics.audit_log.sequence IS 'Number of the entry';
COMMENT ON COLUMN analytics.audit_log.at IS 'When it happened';
COMMENT ON COLUMN analytics.audit_log.actor IS 'Account of the operating system that asked';
COMMENT ON COLUMN analytics.audit_log.role IS 'Role of the platform that it asked under';
COMMENT ON COLUMN analytics.audit_log.action IS 'query, export, ingest, undo, erase ...';
COMMENT ON COLUMN analytics.audit_log.object IS 'What it was done to';
COMMENT ON COLUMN analytics.audit_log.statement_digest IS 'SHA-256 of the statement';
COMMENT ON COLUMN analytics.audit_log.parameters_digest IS 'SHA-256 of the parameters; values are not kept';
COMMENT ON COLUMN analytics.audit_log.row_count IS 'Rows returned or changed';
COMMENT ON COLUMN analytics.audit_log.previous_hash IS 'Hash of the entry before, once chained';
COMMENT ON COLUMN analytics.audit_log.hash IS 'Hash of this entry, once chained';

CREATE FUNCTION internal.refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
COMMENT ON FUNCTION internal.refuse_audit_change() IS 'Keeps the audit log append-only, for its owner too';

CREATE TRIGGER audit_log_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON analytics.audit_log
FOR EACH STATEMENT EXECUTE FUNCTION internal.refuse_audit_change();
