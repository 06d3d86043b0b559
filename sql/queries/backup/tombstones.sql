-- tombstones: everybody who was erased.
-- Row: kind, pseudonym (text), erased_at.
SELECT
    t.kind,
    t.pseudonym::text AS pseudonym,
    t.erased_at
FROM internal.erasure_tombstones AS t
ORDER BY t.erased_at, t.pseudonym
