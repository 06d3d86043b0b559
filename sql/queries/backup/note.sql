-- note: one backup of the catalogue.
-- Parameters: the columns of internal.backups.
INSERT INTO internal.backups (
    id, created_at, size_bytes, location, checksum, state, server_version, verified_at, drilled_at,
    restore_seconds, fault
) VALUES (
    %(id)s, %(created_at)s, %(size_bytes)s, %(location)s, %(checksum)s, %(state)s, %(server_version)s,
    %(verified_at)s, %(drilled_at)s, %(restore_seconds)s, %(fault)s
)
