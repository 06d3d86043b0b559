-- What: comments of processing_jobs and audit_log, as their rows are written from now on.
-- Why: jobs were noted for ingestion alone; undo, retry, refresh, rebuild and sealing are noted too, and an undo counts otherwise.
-- Locks: SHARE UPDATE EXCLUSIVE on both tables for an instant.
-- Way back: none needed.
-- Previous release: runs, it writes and reads the tables as before.

COMMENT ON TABLE analytics.processing_jobs IS
'One row per run of ingestion, retry, undo, refresh, rebuild and sealing; '
'a running one holds an advisory lock, without which it has lost its process';
COMMENT ON COLUMN analytics.processing_jobs.job_type IS 'ingest, retry, undo, refresh, rebuild or seal';
COMMENT ON COLUMN analytics.processing_jobs.subject IS 'What it worked on: a batch, months; described where a name would identify somebody';
COMMENT ON COLUMN analytics.processing_jobs.records_received IS 'Records read; of an undo, those taken out';
COMMENT ON COLUMN analytics.processing_jobs.records_accepted IS 'Records stored; of an undo, those that had been stored';
COMMENT ON COLUMN analytics.processing_jobs.records_quarantined IS
'Records put aside with a reason; of an undo, those that had been put aside';
COMMENT ON COLUMN analytics.audit_log.action IS
'answer, query, export, ingest, retry, undo, refresh, rebuild, backup, migrate ...';
