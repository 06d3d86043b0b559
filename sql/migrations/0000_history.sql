-- What: the history of what was applied; safe to repeat, run before anything else is looked at.
-- Why: a changed applied file is refused, and a killed run goes on where it was.
-- Locks: none that matter.
-- Way back: none needed.

CREATE SCHEMA IF NOT EXISTS internal;

CREATE TABLE IF NOT EXISTS internal.schema_history (
    history text NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seconds double precision NOT NULL,
    CONSTRAINT schema_history_pkey PRIMARY KEY (history, name)
);
COMMENT ON TABLE internal.schema_history IS 'Applied migrations and objects, with their checksums';
COMMENT ON COLUMN internal.schema_history.history IS 'platform, object, or the name of a folder of the user''s own migrations';
COMMENT ON COLUMN internal.schema_history.name IS 'File that was applied';
COMMENT ON COLUMN internal.schema_history.checksum IS 'SHA-256 of the file';
COMMENT ON COLUMN internal.schema_history.applied_at IS 'When it was applied';
COMMENT ON COLUMN internal.schema_history.seconds IS 'How long it took';

DO $$
BEGIN
    -- Asked first: even an ALTER TABLE that finds nothing to do waits for every reader.
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'internal.schema_history'::regclass AND attname = 'keeps_previous_release'
    ) THEN
        ALTER TABLE internal.schema_history
        ADD COLUMN release text NOT NULL DEFAULT '',
        ADD COLUMN keeps_previous_release boolean NOT NULL DEFAULT FALSE;
        COMMENT ON COLUMN internal.schema_history.release IS 'Release that applied it; empty before releases were noted';
        COMMENT ON COLUMN internal.schema_history.keeps_previous_release IS 'Whether the release before still runs after it, as the head of the file promises';
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS internal.schema_snapshot (
    line text NOT NULL,
    CONSTRAINT schema_snapshot_pkey PRIMARY KEY (line)
);
COMMENT ON TABLE internal.schema_snapshot IS 'What the catalogue held after the last migration: the drift check compares with it';
COMMENT ON COLUMN internal.schema_snapshot.line IS 'One object, column, index, constraint or grant';
