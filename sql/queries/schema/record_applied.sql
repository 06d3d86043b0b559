-- record_applied: remembers one applied file.
-- Parameters: history (text), name (text), checksum (text), seconds (double precision).
INSERT INTO internal.schema_history (history, name, checksum, seconds)
VALUES (%(history)s, %(name)s, %(checksum)s, %(seconds)s)
ON CONFLICT (history, name) DO UPDATE
SET checksum = excluded.checksum, seconds = excluded.seconds, applied_at = clock_timestamp()
