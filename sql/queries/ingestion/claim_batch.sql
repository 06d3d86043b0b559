-- claim_batch: takes a batch, unless it is loaded already; waits for another loader of the same one.
-- Parameters: digest (bytea), name, contract_version, key_id (text). Row: batch_id, if it was taken.
INSERT INTO internal.batches (digest, name, status, contract_version, key_id)
VALUES (%(digest)s, %(name)s, 'loaded', %(contract_version)s, %(key_id)s)
ON CONFLICT (digest) WHERE status = 'loaded' DO NOTHING
RETURNING batch_id
