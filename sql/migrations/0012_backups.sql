-- What: the copy of the catalogue of backups, and the tombstones of erased people and organizations.
-- Why: status and health ask when the last drilled backup was made; a restore must erase again who was erased since.
-- Locks: none that matter, the tables are new.
-- Way back: drop both tables; the backups' files say again what the first held, nothing the second.

CREATE TABLE internal.backups (
    id text NOT NULL,
    created_at timestamptz NOT NULL,
    size_bytes bigint NOT NULL,
    location text NOT NULL,
    checksum text NOT NULL,
    state text NOT NULL,
    server_version text NOT NULL,
    verified_at timestamptz,
    drilled_at timestamptz,
    restore_seconds double precision,
    fault text,
    CONSTRAINT backups_catalogue_pkey PRIMARY KEY (id),
    CONSTRAINT backups_state_check CHECK (state IN ('written', 'verified', 'drilled'))
);
COMMENT ON TABLE internal.backups IS 'The backups as last seen; their files are the truth';
COMMENT ON COLUMN internal.backups.id IS 'Name of the backup and of its folder';
COMMENT ON COLUMN internal.backups.created_at IS 'Moment of its snapshot';
COMMENT ON COLUMN internal.backups.size_bytes IS 'Bytes on disk';
COMMENT ON COLUMN internal.backups.location IS 'Its folder';
COMMENT ON COLUMN internal.backups.checksum IS 'SHA-256 of its signed manifest; empty when that cannot be read';
COMMENT ON COLUMN internal.backups.state IS 'written, verified (files as written) or drilled (restored and compared)';
COMMENT ON COLUMN internal.backups.server_version IS 'Version of the server that it was taken from';
COMMENT ON COLUMN internal.backups.verified_at IS 'When its files were last compared with the manifest';
COMMENT ON COLUMN internal.backups.drilled_at IS 'When it was last restored on trial';
COMMENT ON COLUMN internal.backups.restore_seconds IS 'How long that took, in seconds';
COMMENT ON COLUMN internal.backups.fault IS 'What is wrong with it; NULL: nothing known';

CREATE TABLE IF NOT EXISTS internal.erasure_tombstones (
    kind text NOT NULL,
    pseudonym uuid NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT erasure_tombstones_pkey PRIMARY KEY (kind, pseudonym),
    CONSTRAINT erasure_tombstones_kind_check CHECK (kind IN ('respondent', 'organization'))
);
COMMENT ON TABLE internal.erasure_tombstones IS 'Who was erased: a restore of an older backup erases them again';
COMMENT ON COLUMN internal.erasure_tombstones.kind IS 'respondent or organization';
COMMENT ON COLUMN internal.erasure_tombstones.pseudonym IS 'The pseudonym; without the key it names nobody';
COMMENT ON COLUMN internal.erasure_tombstones.erased_at IS 'When it was erased';
