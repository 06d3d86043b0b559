-- slow_statements: reading statements of people and their tools whose mean time is high, the costliest first.
-- Parameters: database (text), slow (double precision, milliseconds), calls, most (bigint).
-- Row: query_id (bigint), query (constants replaced), calls, mean_milliseconds, longest_milliseconds, total_milliseconds.
-- Not of the platform's own work: what its owner and its ingestion run is heavy by nature.
SELECT
    s.queryid AS query_id,
    left(s.query, 4000) AS query,
    sum(s.calls)::bigint AS calls,
    sum(s.total_exec_time) / sum(s.calls)::double precision AS mean_milliseconds,
    max(s.max_exec_time) AS longest_milliseconds,
    sum(s.total_exec_time) AS total_milliseconds
FROM pg_stat_statements AS s
INNER JOIN pg_database AS d ON d.oid = s.dbid
INNER JOIN pg_roles AS r ON r.oid = s.userid
WHERE
    d.datname = %(database)s AND s.query ~* '^\s*(SELECT|WITH)\y' AND NOT r.rolsuper
    AND NOT pg_has_role(s.userid, 'ioc_owner', 'MEMBER') AND NOT pg_has_role(s.userid, 'ioc_ingest', 'MEMBER')
GROUP BY s.queryid, left(s.query, 4000)
HAVING sum(s.calls) >= %(calls)s AND sum(s.total_exec_time) / sum(s.calls) >= %(slow)s
ORDER BY total_milliseconds DESC, query_id
LIMIT %(most)s
