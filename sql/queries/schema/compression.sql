-- compression: how the database compresses wide values, and how this server could.
-- Row: database (text), method (text; NULL: as the server does by default), methods (text []).
SELECT
    current_database() AS database,
    (
        SELECT split_part(c.setting, '=', 2)
        FROM pg_catalog.pg_db_role_setting AS s
        INNER JOIN pg_catalog.pg_database AS d ON s.setdatabase = d.oid
        CROSS JOIN unnest(s.setconfig) AS c (setting)
        WHERE
            d.datname = current_database() AND s.setrole = 0
            AND split_part(c.setting, '=', 1) = 'default_toast_compression'
    ) AS method,
    (SELECT p.enumvals FROM pg_catalog.pg_settings AS p WHERE p.name = 'default_toast_compression') AS methods
