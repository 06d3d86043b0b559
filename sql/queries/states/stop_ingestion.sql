-- stop_ingestion: waits for running ingestion and keeps others waiting until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('ingest', 0))
