-- close_batch: stores the receipt of a batch.
-- Parameters: batch_id (bigint), receipt (jsonb).
UPDATE internal.batches SET receipt = %(receipt)s WHERE batch_id = %(batch_id)s
