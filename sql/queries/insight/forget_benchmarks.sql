-- forget_benchmarks: deletes the released benchmarks of one month.
-- Parameters: month (date).
DELETE FROM analytics.benchmarking_data
WHERE period_start = %(month)s
