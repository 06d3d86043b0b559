-- hold_job: takes the lock of a running job again, in a session that replaces a lost one.
-- Parameters: id (bigint), lock_class (integer).
SELECT pg_try_advisory_lock(%(lock_class)s, %(id)s::integer)
