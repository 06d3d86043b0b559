-- archive_keys: the pseudonym keys that the expired responses of a month were made with.
-- Parameters: batches (bigint []). Row: key_id.
SELECT DISTINCT b.key_id
FROM internal.batches AS b
WHERE b.batch_id = ANY(%(batches)s::bigint []) AND b.key_id IS NOT NULL
ORDER BY b.key_id
