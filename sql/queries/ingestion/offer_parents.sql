-- offer_parents: waits for batches that look for parents; others that bring some are welcome.
SELECT pg_advisory_xact_lock_shared(hashtextextended('orphans', 0))
