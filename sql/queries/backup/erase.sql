-- erase: takes the rows of somebody who was erased out again, and keeps the tombstone.
-- Parameters: kind, pseudonym (text), erased_at (ISO text). Row: rows deleted.
WITH kept AS (
    INSERT INTO internal.erasure_tombstones (kind, pseudonym, erased_at)
    VALUES (%(kind)s, %(pseudonym)s::text::uuid, %(erased_at)s::text::timestamptz)
    ON CONFLICT (kind, pseudonym) DO NOTHING
)
SELECT internal.erase_rows(%(kind)s, %(pseudonym)s::text::uuid) AS erased
