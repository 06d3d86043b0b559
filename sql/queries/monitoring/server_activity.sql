-- server_activity: the server's own work since its statistics were reset. Row: metric (text), value (double precision).
SELECT
    a.metric,
    a.value
FROM internal.server_activity() AS a
