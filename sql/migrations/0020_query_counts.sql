-- What: what each process counted of the questions it answered, some seconds at a time.
-- Why: the process that measures answers nobody: without the others' counts slow or failing answers raise no alert.
-- Locks: none, the table is new.
-- Way back: drop the table; figures of questions are then of the measuring process alone.
-- Previous release: runs, it does not know the table.

CREATE TABLE internal.query_counts (
    counted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    requests bigint NOT NULL,
    errors bigint NOT NULL,
    refusals bigint NOT NULL,
    cache_lookups bigint NOT NULL,
    cache_hits bigint NOT NULL,
    seconds double precision NOT NULL,
    latency_counts bigint [] NOT NULL
);
CREATE INDEX query_counts_counted_idx ON internal.query_counts (counted_at);
COMMENT ON TABLE internal.query_counts IS 'Questions that processes answered, counted some seconds at a time; kept for a day';
COMMENT ON COLUMN internal.query_counts.counted_at IS 'When a process handed its counts in';
COMMENT ON COLUMN internal.query_counts.requests IS 'Questions that ended, well or not';
COMMENT ON COLUMN internal.query_counts.errors IS 'Of them, failed by the platform''s or the server''s fault';
COMMENT ON COLUMN internal.query_counts.refusals IS 'Of them, refused because of what was asked';
COMMENT ON COLUMN internal.query_counts.cache_lookups IS 'Questions that looked into the cache';
COMMENT ON COLUMN internal.query_counts.cache_hits IS 'Of them, answered from it';
COMMENT ON COLUMN internal.query_counts.seconds IS 'Time spent on all of them together';
COMMENT ON COLUMN internal.query_counts.latency_counts IS 'Questions per class of time, the last one open';
