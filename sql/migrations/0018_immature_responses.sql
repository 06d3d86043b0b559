-- What: how many responses the released benchmarks of completion leave out because they are young.
-- Why: responses that can still be completed made organizations that just began look bad.
-- Locks: ACCESS EXCLUSIVE on benchmarking_data for an instant (no rewrite).
-- Way back: drop the column; released rows then do not say what they leave out.
-- Previous release: runs, it writes and reads the tables as before.

ALTER TABLE analytics.benchmarking_data ADD COLUMN immature bigint;
COMMENT ON COLUMN analytics.benchmarking_data.immature IS 'Responses of the group left out of completion and abandonment, because they could still be completed';
