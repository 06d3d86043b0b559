-- What: the batch ledger, quarantine, response registry, catalogues and the internal raw tables.
-- Why: exactly-once ingestion: one ledger row commits with the data of its batch and only it decides.
-- Locks: none that matter, the tables are new.
-- Way back: drop the tables; ingestion can no longer tell what it has seen.

CREATE TABLE internal.instruments (
    name text NOT NULL,
    title text NOT NULL,
    scale_minimum smallint NOT NULL,
    scale_maximum smallint NOT NULL,
    minimum_answered_share double precision NOT NULL,
    definition_digest text NOT NULL,
    source text NOT NULL,
    CONSTRAINT instruments_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE internal.instruments IS 'Catalogue of questionnaires';
COMMENT ON COLUMN internal.instruments.name IS 'Short name';
COMMENT ON COLUMN internal.instruments.title IS 'Full name';
COMMENT ON COLUMN internal.instruments.scale_minimum IS 'Lowest answer';
COMMENT ON COLUMN internal.instruments.scale_maximum IS 'Highest answer';
COMMENT ON COLUMN internal.instruments.minimum_answered_share IS 'Share of a trait''s items that must be answered for a score, 0 to 1';
COMMENT ON COLUMN internal.instruments.definition_digest IS 'SHA-256 of items, keying and scale: a name keeps one definition';
COMMENT ON COLUMN internal.instruments.source IS 'Where the definition comes from';

CREATE TABLE internal.questions (
    question_id smallint NOT NULL,
    instrument text NOT NULL,
    code text NOT NULL,
    trait analytics.ocean_dimension NOT NULL,
    is_reversed boolean NOT NULL,
    position smallint NOT NULL,
    CONSTRAINT questions_pkey PRIMARY KEY (question_id),
    CONSTRAINT questions_instrument_code_key UNIQUE (instrument, code),
    CONSTRAINT questions_instrument_fkey FOREIGN KEY (instrument) REFERENCES internal.instruments (name)
);
COMMENT ON TABLE internal.questions IS 'Catalogue of questions: the smallint of a stored answer';
COMMENT ON COLUMN internal.questions.question_id IS 'Number of the question';
COMMENT ON COLUMN internal.questions.instrument IS 'Its questionnaire';
COMMENT ON COLUMN internal.questions.code IS 'Its code within the questionnaire';
COMMENT ON COLUMN internal.questions.trait IS 'The trait it measures';
COMMENT ON COLUMN internal.questions.is_reversed IS 'Whether a high answer means a low trait';
COMMENT ON COLUMN internal.questions.position IS 'Place in the order of presentation, from 1';

-- Questions of instruments that a mapping brings are numbered above the built-in ones.
CREATE SEQUENCE internal.question_numbers AS smallint START 10001;

CREATE TABLE internal.categories (
    vocabulary text NOT NULL,
    code smallint NOT NULL,
    name text NOT NULL,
    CONSTRAINT categories_pkey PRIMARY KEY (vocabulary, code),
    CONSTRAINT categories_name_key UNIQUE (vocabulary, name)
);
COMMENT ON TABLE internal.categories IS 'Catalogue of categories and their numbers: a recount reads numbers, not words';
COMMENT ON COLUMN internal.categories.vocabulary IS 'Column that the category stands in';
COMMENT ON COLUMN internal.categories.code IS 'Its number';
COMMENT ON COLUMN internal.categories.name IS 'Its name';

CREATE TABLE internal.batches (
    batch_id bigint GENERATED ALWAYS AS IDENTITY,
    digest bytea NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    contract_version text NOT NULL,
    key_id text,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    undone_at timestamptz,
    receipt jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT batches_pkey PRIMARY KEY (batch_id),
    CONSTRAINT batches_status_check CHECK (status IN ('loaded', 'incomplete', 'undone'))
);
COMMENT ON TABLE internal.batches IS 'Ledger: one row per batch, committed with its data; only it decides whether a batch is new';
COMMENT ON COLUMN internal.batches.batch_id IS 'Number of the batch';
COMMENT ON COLUMN internal.batches.digest IS 'SHA-256 of the decompressed bytes, the mapping and the contract version';
COMMENT ON COLUMN internal.batches.name IS 'Name of the file or folder';
COMMENT ON COLUMN internal.batches.status IS 'loaded; incomplete: rows of it went with another batch that was undone, it may come again; undone';
COMMENT ON COLUMN internal.batches.contract_version IS 'Version of the contract it was judged by';
COMMENT ON COLUMN internal.batches.key_id IS 'Pseudonym key it was pseudonymised with';
COMMENT ON COLUMN internal.batches.loaded_at IS 'When it was loaded';
COMMENT ON COLUMN internal.batches.undone_at IS 'When it was taken out again';
COMMENT ON COLUMN internal.batches.receipt IS 'Counts of the receipt';
-- A second loader of the same batch waits here until the first commits, and then finds a duplicate.
CREATE UNIQUE INDEX batches_digest_key ON internal.batches (digest) WHERE status = 'loaded';

CREATE TABLE internal.replacements (
    batch_id bigint NOT NULL,
    replaced_batch_id bigint NOT NULL,
    CONSTRAINT replacements_pkey PRIMARY KEY (batch_id, replaced_batch_id),
    CONSTRAINT replacements_batch_fkey FOREIGN KEY (batch_id) REFERENCES internal.batches (batch_id)
);
COMMENT ON TABLE internal.replacements IS 'Which batches lost rows to a newer version: undoing the newer lets the older come again';
COMMENT ON COLUMN internal.replacements.batch_id IS 'Batch with the newer version';
COMMENT ON COLUMN internal.replacements.replaced_batch_id IS 'Batch whose rows it replaced';

CREATE TABLE internal.quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY,
    batch_id bigint NOT NULL,
    kind text NOT NULL,
    rule text NOT NULL,
    file text NOT NULL,
    line bigint,
    column_name text,
    value text,
    contract_version text NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    status text NOT NULL DEFAULT 'waiting',
    settled_at timestamptz,
    settled_by bigint,
    record_id uuid,
    parent_id uuid,
    record jsonb NOT NULL,
    CONSTRAINT quarantine_pkey PRIMARY KEY (id),
    CONSTRAINT quarantine_status_check CHECK (status IN ('waiting', 'settled')),
    CONSTRAINT quarantine_batch_fkey FOREIGN KEY (batch_id) REFERENCES internal.batches (batch_id)
);
COMMENT ON TABLE internal.quarantine IS 'Records put aside: which rule, where, and the pseudonymised record for another judgement';
COMMENT ON COLUMN internal.quarantine.id IS 'Number of the entry';
COMMENT ON COLUMN internal.quarantine.batch_id IS 'Batch it came with';
COMMENT ON COLUMN internal.quarantine.kind IS 'Kind of record';
COMMENT ON COLUMN internal.quarantine.rule IS 'Rule that it breaks';
COMMENT ON COLUMN internal.quarantine.file IS 'File within the batch';
COMMENT ON COLUMN internal.quarantine.line IS 'Line in the file, from 1, the header counted';
COMMENT ON COLUMN internal.quarantine.column_name IS 'Column that breaks the rule';
COMMENT ON COLUMN internal.quarantine.value IS 'The failing value, if it identifies nobody';
COMMENT ON COLUMN internal.quarantine.contract_version IS 'Version of the contract';
COMMENT ON COLUMN internal.quarantine.quarantined_at IS 'When it was put aside';
COMMENT ON COLUMN internal.quarantine.status IS 'waiting, or settled: stored or found a duplicate by a later judgement';
COMMENT ON COLUMN internal.quarantine.settled_at IS 'When it was settled';
COMMENT ON COLUMN internal.quarantine.settled_by IS 'Batch with which it was settled';
COMMENT ON COLUMN internal.quarantine.record_id IS 'Pseudonym of the assessment or response it is';
COMMENT ON COLUMN internal.quarantine.parent_id IS 'Pseudonym of the parent that it names';
COMMENT ON COLUMN internal.quarantine.record IS 'The pseudonymised record';
CREATE INDEX quarantine_waiting_parent_idx ON internal.quarantine (parent_id) WHERE status = 'waiting' AND rule = 'orphan';
CREATE INDEX quarantine_batch_idx ON internal.quarantine (batch_id);

CREATE TABLE internal.response_registry (
    response_hash uuid NOT NULL,
    created_at timestamptz NOT NULL,
    assessment_hash uuid NOT NULL,
    version timestamptz NOT NULL,
    response_batch bigint NOT NULL,
    response_content bigint NOT NULL,
    answers_version timestamptz,
    answers_batch bigint,
    scores_version timestamptz,
    scores_batch bigint,
    validations_version timestamptz,
    validations_batch bigint,
    key_id text,
    CONSTRAINT response_registry_pkey PRIMARY KEY (response_hash)
);
COMMENT ON TABLE internal.response_registry IS 'One row per response ever taken: which version of each kind is stored; outlives the raw rows';
COMMENT ON COLUMN internal.response_registry.response_hash IS 'Pseudonym of the response';
COMMENT ON COLUMN internal.response_registry.created_at IS 'When it was started: the key of its rows in the partitioned tables';
COMMENT ON COLUMN internal.response_registry.assessment_hash IS 'Its assessment';
COMMENT ON COLUMN internal.response_registry.version IS 'updated_at, else completed_at, else started_at of the stored response';
COMMENT ON COLUMN internal.response_registry.response_batch IS 'Batch of the stored response';
COMMENT ON COLUMN internal.response_registry.response_content IS 'Digest of the stored response';
COMMENT ON COLUMN internal.response_registry.answers_version IS 'Version that the stored answers belong to; NULL: none';
COMMENT ON COLUMN internal.response_registry.answers_batch IS 'Batch of the stored answers';
COMMENT ON COLUMN internal.response_registry.scores_version IS 'Version that the delivered scores belong to; NULL: none were delivered';
COMMENT ON COLUMN internal.response_registry.scores_batch IS 'Batch of the delivered scores';
COMMENT ON COLUMN internal.response_registry.validations_version IS 'Version that the AI validations belong to; NULL: none';
COMMENT ON COLUMN internal.response_registry.validations_batch IS 'Batch of the AI validations';
COMMENT ON COLUMN internal.response_registry.key_id IS 'Pseudonym key of the id';

CREATE TABLE internal.ai_validations (
    created_at timestamptz NOT NULL,
    response_hash uuid NOT NULL,
    batch_id bigint NOT NULL,
    primary_score double precision NOT NULL,
    secondary_score double precision NOT NULL,
    primary_confidence double precision,
    secondary_confidence double precision,
    validated_at timestamptz,
    dimension analytics.ocean_dimension NOT NULL,
    primary_model text NOT NULL,
    secondary_model text NOT NULL,
    CONSTRAINT ai_validations_pkey PRIMARY KEY (created_at, response_hash, dimension, primary_model, secondary_model)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE internal.ai_validations IS 'Scores of two AI raters for a trait of a response';
COMMENT ON COLUMN internal.ai_validations.created_at IS 'When the response was started';
COMMENT ON COLUMN internal.ai_validations.response_hash IS 'Pseudonym of the response';
COMMENT ON COLUMN internal.ai_validations.batch_id IS 'Batch that brought it';
COMMENT ON COLUMN internal.ai_validations.primary_score IS 'Score of the first rater, 0 to 100';
COMMENT ON COLUMN internal.ai_validations.secondary_score IS 'Score of the second rater, 0 to 100';
COMMENT ON COLUMN internal.ai_validations.primary_confidence IS 'Confidence of the first rater, 0 to 1';
COMMENT ON COLUMN internal.ai_validations.secondary_confidence IS 'Confidence of the second rater, 0 to 1';
COMMENT ON COLUMN internal.ai_validations.validated_at IS 'When they were rated';
COMMENT ON COLUMN internal.ai_validations.dimension IS 'The trait';
COMMENT ON COLUMN internal.ai_validations.primary_model IS 'First rater';
COMMENT ON COLUMN internal.ai_validations.secondary_model IS 'Second rater';

CREATE TABLE internal.answer_vectors (
    created_at timestamptz NOT NULL,
    response_hash uuid NOT NULL,
    batch_id bigint NOT NULL,
    instrument text NOT NULL,
    answers bytea NOT NULL,
    CONSTRAINT answer_vectors_pkey PRIMARY KEY (created_at, response_hash)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE internal.answer_vectors IS 'The answers of a response as one vector: what reliability and rescoring read, 50 times fewer rows';
COMMENT ON COLUMN internal.answer_vectors.created_at IS 'When the response was started';
COMMENT ON COLUMN internal.answer_vectors.response_hash IS 'Pseudonym of the response';
COMMENT ON COLUMN internal.answer_vectors.batch_id IS 'Batch of the answers';
COMMENT ON COLUMN internal.answer_vectors.instrument IS 'Questionnaire that the vector follows';
COMMENT ON COLUMN internal.answer_vectors.answers IS 'One signed byte per question in catalogue order; -128: not answered';

CREATE TABLE internal.touched_days (
    mark_id bigint GENERATED ALWAYS AS IDENTITY,
    day date NOT NULL,
    batch_id bigint NOT NULL,
    touched_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT touched_days_pkey PRIMARY KEY (mark_id)
);
COMMENT ON TABLE internal.touched_days IS 'Days whose states are behind their rows; an answer reads rows for them';
COMMENT ON COLUMN internal.touched_days.mark_id IS 'Number of the mark';
COMMENT ON COLUMN internal.touched_days.day IS 'UTC day';
COMMENT ON COLUMN internal.touched_days.batch_id IS 'Batch that touched it';
COMMENT ON COLUMN internal.touched_days.touched_at IS 'When';
CREATE INDEX touched_days_day_idx ON internal.touched_days (day);
