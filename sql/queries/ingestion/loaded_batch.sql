-- loaded_batch: the ledger row of a batch that is loaded.
-- Parameters: digest (bytea). Row: batch_id, receipt.
SELECT b.batch_id, b.receipt FROM internal.batches AS b
WHERE b.digest = %(digest)s AND b.status = 'loaded'
