-- look_for_parents: waits for batches that bring parents, until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('orphans', 0))
