-- record_applied: remembers one applied file.
-- Parameters: history (text), name (text), checksum (text), seconds (double precision), release (text),
--   keeps_previous_release (boolean).
INSERT INTO internal.schema_history (history, name, checksum, seconds, release, keeps_previous_release)
VALUES (%(history)s, %(name)s, %(checksum)s, %(seconds)s, %(release)s, %(keeps_previous_release)s)
ON CONFLICT (history, name) DO UPDATE
SET
    checksum = excluded.checksum,
    seconds = excluded.seconds,
    applied_at = clock_timestamp(),
    release = excluded.release,
    keeps_previous_release = excluded.keeps_previous_release
