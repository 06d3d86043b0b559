-- note_replaced: remembers which batches lost rows to this one.
-- Parameters: batch_id (bigint), replaced (bigint []).
INSERT INTO internal.replacements (batch_id, replaced_batch_id)
SELECT %(batch_id)s, b.id FROM unnest(%(replaced)s::bigint []) AS b (id)
WHERE b.id <> %(batch_id)s
ON CONFLICT DO NOTHING
