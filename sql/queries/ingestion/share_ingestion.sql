-- share_ingestion: keeps sealing out until the end of the transaction; others who write are welcome.
SELECT pg_advisory_xact_lock_shared(hashtextextended('ingest', 0))
