-- What: plans of retention, legal holds, and the partitions that wait for their end.
-- Why: what destroys is planned first, can be refused, and is accounted for afterwards.
-- Locks: none that matter, the tables are new.
-- Way back: drop the tables and the schema retired; what waits there is lost, and so are the holds.

-- Of what is detached nobody but the owner and a backup reads anything; the drift check does not look here.
CREATE SCHEMA retired;
COMMENT ON SCHEMA retired IS 'Detached partitions in their days of grace; dropped afterwards';

CREATE TABLE internal.retention_plans (
    id bigint GENERATED ALWAYS AS IDENTITY,
    planned_at timestamptz NOT NULL,
    planned_by text NOT NULL,
    status text NOT NULL DEFAULT 'planned',
    settled_at timestamptz,
    note text,
    content jsonb NOT NULL,
    outcome jsonb,
    CONSTRAINT retention_plans_pkey PRIMARY KEY (id),
    CONSTRAINT retention_plans_status_check CHECK (status IN ('planned', 'refused', 'applying', 'applied'))
);
COMMENT ON TABLE internal.retention_plans IS 'What was to go, as it was planned, and what became of it';
COMMENT ON COLUMN internal.retention_plans.id IS 'Number of the plan';
COMMENT ON COLUMN internal.retention_plans.planned_at IS 'Moment that ages were reckoned from';
COMMENT ON COLUMN internal.retention_plans.planned_by IS 'Account that asked for it';
COMMENT ON COLUMN internal.retention_plans.status IS 'planned, refused (see note), applying (under way, or interrupted: apply it again) or applied';
COMMENT ON COLUMN internal.retention_plans.settled_at IS 'When it was refused or applied';
COMMENT ON COLUMN internal.retention_plans.note IS 'Why it was refused, or why no backup was asked for';
COMMENT ON COLUMN internal.retention_plans.content IS 'The plan';
COMMENT ON COLUMN internal.retention_plans.outcome IS 'The receipt: what went';

CREATE TABLE internal.retention_holds (
    id bigint GENERATED ALWAYS AS IDENTITY,
    reason text NOT NULL,
    tier text,
    starts_on date,
    ends_on date,
    placed_at timestamptz NOT NULL DEFAULT now(),
    placed_by text NOT NULL,
    released_at timestamptz,
    released_by text,
    CONSTRAINT retention_holds_pkey PRIMARY KEY (id),
    CONSTRAINT retention_holds_period_check CHECK (ends_on > starts_on)
);
COMMENT ON TABLE internal.retention_holds IS 'Legal holds: what may not go, whatever its age, until the hold is released';
COMMENT ON COLUMN internal.retention_holds.id IS 'Number of the hold';
COMMENT ON COLUMN internal.retention_holds.reason IS 'Why: a case number, not a person';
COMMENT ON COLUMN internal.retention_holds.tier IS 'What it holds: raw, exports, backups ...; NULL: everything';
COMMENT ON COLUMN internal.retention_holds.starts_on IS 'First UTC day that it holds; NULL: from the beginning';
COMMENT ON COLUMN internal.retention_holds.ends_on IS 'First UTC day after; NULL: for all time';
COMMENT ON COLUMN internal.retention_holds.placed_at IS 'When it was placed';
COMMENT ON COLUMN internal.retention_holds.placed_by IS 'Account that placed it';
COMMENT ON COLUMN internal.retention_holds.released_at IS 'When it was released; NULL: it holds';
COMMENT ON COLUMN internal.retention_holds.released_by IS 'Account that released it';

CREATE TABLE internal.retired_partitions (
    period text NOT NULL,
    detached_at timestamptz NOT NULL DEFAULT now(),
    plan_id bigint NOT NULL,
    row_counts jsonb NOT NULL,
    size_bytes bigint NOT NULL,
    dropped_at timestamptz,
    CONSTRAINT retired_partitions_pkey PRIMARY KEY (period, detached_at)
);
COMMENT ON TABLE internal.retired_partitions IS 'Partitions that were detached: when, by which plan, and when they were dropped';
COMMENT ON COLUMN internal.retired_partitions.period IS 'Month or year, as in the names of its tables: 2024_03';
COMMENT ON COLUMN internal.retired_partitions.detached_at IS 'When it was detached; its days of grace begin here';
COMMENT ON COLUMN internal.retired_partitions.plan_id IS 'Plan that it went by';
COMMENT ON COLUMN internal.retired_partitions.row_counts IS 'Rows per table';
COMMENT ON COLUMN internal.retired_partitions.size_bytes IS 'Bytes of its tables with indexes';
COMMENT ON COLUMN internal.retired_partitions.dropped_at IS 'When it was dropped; NULL: it waits';
