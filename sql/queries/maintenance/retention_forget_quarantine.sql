-- retention_forget_quarantine: deletes records in quarantine that have expired.
-- Parameters: before (timestamptz).
DELETE FROM internal.quarantine AS q
WHERE q.quarantined_at < %(before)s AND NOT internal.is_held('quarantine', q.quarantined_at)
    AND q.batch_id < (SELECT max(b.batch_id) FROM internal.batches AS b WHERE b.status = 'loaded')
