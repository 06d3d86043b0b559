-- What: the mergeable states, and which months are sealed.
-- Why: exact answers in milliseconds: counts per distinct score are lossless and add up.
-- Locks: none that matter, the tables are new.
-- Way back: drop the tables; everything but sealed months is rebuilt from rows.

CREATE TABLE internal.trait_states (
    family text NOT NULL,
    period_start date NOT NULL,
    layer text NOT NULL,
    instrument text NOT NULL,
    is_careless boolean NOT NULL,
    industry_category text NOT NULL,
    org_size_category text NOT NULL,
    region text NOT NULL,
    age_band text NOT NULL,
    gender text NOT NULL,
    device_type text NOT NULL,
    assessment_type text NOT NULL,
    responses bigint NOT NULL,
    counts bytea NOT NULL,
    moments bytea NOT NULL,
    CONSTRAINT trait_states_pkey PRIMARY KEY (
        family, period_start, layer, instrument, is_careless, industry_category,
        org_size_category, region, age_band, gender, device_type, assessment_type
    ),
    CONSTRAINT trait_states_layer_check CHECK (layer IN ('live', 'sealed'))
);
COMMENT ON TABLE internal.trait_states IS 'Trait scores of a period and cell as counts per distinct score and co-moments';
COMMENT ON COLUMN internal.trait_states.family IS 'Family of states: grain and dimensions, declared in states.families';
COMMENT ON COLUMN internal.trait_states.period_start IS 'First UTC day of the period';
COMMENT ON COLUMN internal.trait_states.layer IS 'live: follows the rows; sealed: the rows are gone';
COMMENT ON COLUMN internal.trait_states.instrument IS 'Questionnaire';
COMMENT ON COLUMN internal.trait_states.is_careless IS 'Whether the responses are flagged as careless';
COMMENT ON COLUMN internal.trait_states.industry_category IS 'Sector; all: not split; merged: given up at sealing';
COMMENT ON COLUMN internal.trait_states.org_size_category IS 'Size band, all or merged';
COMMENT ON COLUMN internal.trait_states.region IS 'Region, all or merged';
COMMENT ON COLUMN internal.trait_states.age_band IS 'Age band, all or merged';
COMMENT ON COLUMN internal.trait_states.gender IS 'Gender, all or merged';
COMMENT ON COLUMN internal.trait_states.device_type IS 'Device type, all or merged';
COMMENT ON COLUMN internal.trait_states.assessment_type IS 'Assessment type, all or merged';
COMMENT ON COLUMN internal.trait_states.responses IS 'Responses with at least one score';
COMMENT ON COLUMN internal.trait_states.counts IS 'Packed (trait u1, score f8, n u4), big-endian, sorted';
COMMENT ON COLUMN internal.trait_states.moments IS 'Packed co-moments per pattern of scored traits (statistics.moments)';
-- Packed bytes are read whole and at once: in line as long as they fit, and not compressed twice.
ALTER TABLE internal.trait_states ALTER COLUMN counts SET STORAGE MAIN;
ALTER TABLE internal.trait_states ALTER COLUMN moments SET STORAGE MAIN;

CREATE TABLE internal.item_states (
    family text NOT NULL,
    period_start date NOT NULL,
    layer text NOT NULL,
    instrument text NOT NULL,
    is_careless boolean NOT NULL,
    responses bigint NOT NULL,
    items bytea NOT NULL,
    CONSTRAINT item_states_pkey PRIMARY KEY (family, period_start, layer, instrument, is_careless),
    CONSTRAINT item_states_layer_check CHECK (layer IN ('live', 'sealed'))
);
COMMENT ON TABLE internal.item_states IS 'Item sums and cross-products of a period: reliability without rows';
COMMENT ON COLUMN internal.item_states.family IS 'Family of states';
COMMENT ON COLUMN internal.item_states.period_start IS 'First UTC day of the period';
COMMENT ON COLUMN internal.item_states.layer IS 'live or sealed';
COMMENT ON COLUMN internal.item_states.instrument IS 'Questionnaire';
COMMENT ON COLUMN internal.item_states.is_careless IS 'Whether the responses are flagged as careless';
COMMENT ON COLUMN internal.item_states.responses IS 'Responses with answers';
COMMENT ON COLUMN internal.item_states.items IS 'Packed pairwise item sums per trait (statistics.reliability)';

CREATE TABLE internal.organization_states (
    family text NOT NULL,
    period_start date NOT NULL,
    layer text NOT NULL,
    org_hash uuid NOT NULL,
    instrument text NOT NULL,
    is_careless boolean NOT NULL,
    industry_category text NOT NULL,
    org_size_category text NOT NULL,
    started bigint NOT NULL,
    completed bigint NOT NULL,
    abandoned bigint NOT NULL,
    timed bigint NOT NULL,
    time_sum double precision NOT NULL,
    time_square_sum double precision NOT NULL,
    trait_n bigint [] NOT NULL,
    trait_sum double precision [] NOT NULL,
    trait_square_sum double precision [] NOT NULL,
    CONSTRAINT organization_states_pkey PRIMARY KEY (
        family, period_start, layer, org_hash, instrument, is_careless, industry_category, org_size_category
    ),
    CONSTRAINT organization_states_layer_check CHECK (layer IN ('live', 'sealed'))
);
COMMENT ON TABLE internal.organization_states IS 'Sums per organization and period: benchmarks and cluster-robust intervals';
COMMENT ON COLUMN internal.organization_states.family IS 'Family of states';
COMMENT ON COLUMN internal.organization_states.period_start IS 'First UTC day of the period';
COMMENT ON COLUMN internal.organization_states.layer IS 'live or sealed';
COMMENT ON COLUMN internal.organization_states.org_hash IS 'Pseudonym of the organization';
COMMENT ON COLUMN internal.organization_states.instrument IS 'Questionnaire';
COMMENT ON COLUMN internal.organization_states.is_careless IS 'Whether the responses are flagged as careless';
COMMENT ON COLUMN internal.organization_states.industry_category IS 'Sector';
COMMENT ON COLUMN internal.organization_states.org_size_category IS 'Size band';
COMMENT ON COLUMN internal.organization_states.started IS 'Responses';
COMMENT ON COLUMN internal.organization_states.completed IS 'Of them, completed';
COMMENT ON COLUMN internal.organization_states.abandoned IS 'Of them, abandoned';
COMMENT ON COLUMN internal.organization_states.timed IS 'Of them, with a time spent';
COMMENT ON COLUMN internal.organization_states.time_sum IS 'Sum of the time spent, in seconds';
COMMENT ON COLUMN internal.organization_states.time_square_sum IS 'Sum of its squares';
COMMENT ON COLUMN internal.organization_states.trait_n IS 'Scores per trait';
COMMENT ON COLUMN internal.organization_states.trait_sum IS 'Sum of the scores less 50, per trait';
COMMENT ON COLUMN internal.organization_states.trait_square_sum IS 'Sum of the squares of the scores less 50, per trait';

CREATE TABLE internal.time_states (
    family text NOT NULL,
    period_start date NOT NULL,
    layer text NOT NULL,
    instrument text NOT NULL,
    is_careless boolean NOT NULL,
    responses bigint NOT NULL,
    counts bytea NOT NULL,
    CONSTRAINT time_states_pkey PRIMARY KEY (family, period_start, layer, instrument, is_careless),
    CONSTRAINT time_states_layer_check CHECK (layer IN ('live', 'sealed'))
);
COMMENT ON TABLE internal.time_states IS 'Counts per distinct time spent: exact medians without rows';
COMMENT ON COLUMN internal.time_states.family IS 'Family of states';
COMMENT ON COLUMN internal.time_states.period_start IS 'First UTC day of the period';
COMMENT ON COLUMN internal.time_states.layer IS 'live or sealed';
COMMENT ON COLUMN internal.time_states.instrument IS 'Questionnaire';
COMMENT ON COLUMN internal.time_states.is_careless IS 'Whether the responses are flagged as careless';
COMMENT ON COLUMN internal.time_states.responses IS 'Responses with a time spent';
COMMENT ON COLUMN internal.time_states.counts IS 'Packed (seconds f8, n u4), big-endian, sorted';

CREATE TABLE internal.sealed_months (
    month date NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now(),
    last_batch bigint NOT NULL,
    minimum_cell integer NOT NULL,
    responses bigint NOT NULL,
    CONSTRAINT sealed_months_pkey PRIMARY KEY (month)
);
COMMENT ON TABLE internal.sealed_months IS 'Months whose states are final: their rows are gone or going';
COMMENT ON COLUMN internal.sealed_months.month IS 'First day of the month';
COMMENT ON COLUMN internal.sealed_months.sealed_at IS 'When it was sealed';
COMMENT ON COLUMN internal.sealed_months.last_batch IS 'Rows of batches up to this one are in the sealed states; later ones form the live layer';
COMMENT ON COLUMN internal.sealed_months.minimum_cell IS 'Cells with fewer responses were merged';
COMMENT ON COLUMN internal.sealed_months.responses IS 'Scored responses in the sealed states';
