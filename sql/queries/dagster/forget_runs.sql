-- forget_runs: deletes some runs from Dagster's storage; their tags go with them.
-- Parameters: runs (text []).
DELETE FROM runs WHERE run_id = ANY(%(runs)s::text [])
