-- seal_month: notes that a month is sealed, and up to which batch.
-- Parameters: start, end (date, half-open), minimum_cell (integer), last_batch (bigint; NULL: the newest).
-- Row: responses.
INSERT INTO internal.sealed_months (month, last_batch, minimum_cell, responses)
SELECT
    %(start)s,
    coalesce(%(last_batch)s::bigint, (SELECT coalesce(max(b.batch_id), 0) FROM internal.batches AS b)),
    %(minimum_cell)s,
    (
        SELECT coalesce(sum(t.responses), 0)
        FROM internal.trait_states AS t
        WHERE t.family = 'month_all' AND t.layer = 'sealed' AND t.period_start = %(start)s
    )
ON CONFLICT (month) DO UPDATE
SET
    last_batch = greatest(sealed_months.last_batch, excluded.last_batch),
    minimum_cell = excluded.minimum_cell,
    responses = excluded.responses,
    sealed_at = now()
RETURNING responses
