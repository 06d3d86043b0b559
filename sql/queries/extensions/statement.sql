-- statement: what one statement has cost so far.
-- Parameters: database (text), query_id (bigint). Row: calls (bigint), total_milliseconds (double precision).
SELECT
    sum(s.calls)::bigint AS calls,
    sum(s.total_exec_time) AS total_milliseconds
FROM pg_stat_statements AS s
INNER JOIN pg_database AS d ON d.oid = s.dbid
WHERE d.datname = %(database)s AND s.queryid = %(query_id)s
HAVING count(*) > 0
