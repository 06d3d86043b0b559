-- has_orphans: whether any record in quarantine waits for its parent.
SELECT EXISTS(SELECT 1 FROM internal.quarantine AS q WHERE q.status = 'waiting' AND q.rule = 'orphan')
