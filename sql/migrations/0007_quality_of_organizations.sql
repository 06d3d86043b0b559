-- What: organization sums know whole responses and the agreement of AI raters; times spent are those
-- of completed responses.
-- Why: data quality and AI agreement per organization without rows, exact like completion; a time to
-- give up is not a time to complete.
-- Locks: ACCESS EXCLUSIVE on internal.organization_states for a moment; no rewrite (no default).
-- Way back: drop the columns.

ALTER TABLE internal.organization_states
ADD COLUMN whole bigint,
ADD COLUMN validated bigint,
ADD COLUMN agreed bigint;
COMMENT ON COLUMN internal.organization_states.whole IS 'Completed responses with all five traits scored and a time spent; NULL: sealed before this was counted';
COMMENT ON COLUMN internal.organization_states.validated IS 'Pairs of AI scores of the responses; NULL: sealed before this was counted';
COMMENT ON COLUMN internal.organization_states.agreed IS 'Of them, pairs that differ by at most 10 points; NULL: sealed before this was counted';
COMMENT ON COLUMN internal.organization_states.timed IS 'Completed responses with a time spent';
COMMENT ON COLUMN internal.time_states.responses IS 'Completed responses with a time spent';

-- Every day that was counted is counted again at the next refresh; until then rows answer for it.
INSERT INTO internal.touched_days (day, batch_id)
SELECT DISTINCT
    o.period_start,
    (SELECT coalesce(max(b.batch_id), 0) FROM internal.batches AS b)
FROM internal.organization_states AS o
WHERE o.family = 'day' AND o.layer = 'live';
