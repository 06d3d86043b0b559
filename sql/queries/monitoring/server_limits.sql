-- server_limits: settings of the server that advice is measured against.
-- Row: max_connections, shared_buffers_bytes.
SELECT
    current_setting('max_connections')::bigint AS max_connections,
    (SELECT s.setting::bigint * 8192 FROM pg_settings AS s WHERE s.name = 'shared_buffers') AS shared_buffers_bytes
