-- close_undo: notes in the ledger that a batch was undone and which others are incomplete now; what it
-- had taken from the quarantine waits there again.
-- Parameters: batch_id (bigint), incomplete (bigint []).
-- Row: put_aside (records of the batch that left the quarantine with it).
WITH waiting_again AS (
    UPDATE internal.quarantine
    SET status = 'waiting', settled_at = NULL, settled_by = NULL
    WHERE settled_by = %(batch_id)s AND batch_id <> %(batch_id)s
),
put_aside AS (
    DELETE FROM internal.quarantine
    WHERE batch_id = %(batch_id)s
    RETURNING 1
),
others AS (
    UPDATE internal.batches
    SET status = 'incomplete'
    WHERE batch_id = ANY(%(incomplete)s::bigint []) AND status = 'loaded'
)
UPDATE internal.batches
SET status = 'undone', undone_at = now()
WHERE batch_id = %(batch_id)s
RETURNING (SELECT count(*) FROM put_aside) AS put_aside
