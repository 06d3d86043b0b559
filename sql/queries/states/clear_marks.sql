-- clear_marks: deletes marks that a rebuild saw before it read rows.
-- Parameters: marks (bigint []).
DELETE FROM internal.touched_days WHERE mark_id = ANY(%(marks)s::bigint [])
