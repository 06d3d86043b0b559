-- server: what tells a server's data from all others, and its first superuser.
-- Row: system (text), superuser.
SELECT
    c.system_identifier::text AS system,
    r.rolname::text AS superuser
FROM pg_control_system() AS c
INNER JOIN pg_roles AS r ON r.oid = 10
