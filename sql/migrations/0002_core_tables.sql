-- What: the four anonymized tables.
-- Why: the seed's core data; every other figure is derived from them.
-- Locks: none that matter, the tables are new.
-- Way back: drop the tables (all records are lost).

CREATE TABLE analytics.anonymized_assessments (
    id uuid NOT NULL,
    org_hash uuid NOT NULL,
    industry_category text NOT NULL,
    org_size_category text NOT NULL,
    region text NOT NULL,
    assessment_type text NOT NULL,
    instrument text NOT NULL,
    status text NOT NULL,
    question_count integer,
    created_at timestamptz NOT NULL,
    published_at timestamptz,
    updated_at timestamptz,
    batch_id bigint NOT NULL,
    version timestamptz NOT NULL,
    content bigint NOT NULL,
    CONSTRAINT anonymized_assessments_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE analytics.anonymized_assessments IS 'One row per assessment: organization, sector, size and instrument, pseudonymised';
COMMENT ON COLUMN analytics.anonymized_assessments.id IS 'Pseudonym of the assessment (UUIDv8 of a keyed hash)';
COMMENT ON COLUMN analytics.anonymized_assessments.org_hash IS 'Pseudonym of the organization';
COMMENT ON COLUMN analytics.anonymized_assessments.industry_category IS 'One of 20 sectors (NAICS two-digit based), or unknown';
COMMENT ON COLUMN analytics.anonymized_assessments.org_size_category IS 'Micro 1-9, Small 10-49, Medium 50-249, Large 250-999, Enterprise 1000+, or unknown';
COMMENT ON COLUMN analytics.anonymized_assessments.region IS 'UN M49 sub-region of the organization, or unknown';
COMMENT ON COLUMN analytics.anonymized_assessments.assessment_type IS 'What the assessment is for, an identifier-like word';
COMMENT ON COLUMN analytics.anonymized_assessments.instrument IS 'Name of the questionnaire in the catalogue of instruments, or unknown';
COMMENT ON COLUMN analytics.anonymized_assessments.status IS 'draft, published, closed, archived or unknown';
COMMENT ON COLUMN analytics.anonymized_assessments.question_count IS 'Number of questions';
COMMENT ON COLUMN analytics.anonymized_assessments.created_at IS 'When the assessment was set up';
COMMENT ON COLUMN analytics.anonymized_assessments.published_at IS 'When it was opened to respondents';
COMMENT ON COLUMN analytics.anonymized_assessments.updated_at IS 'When its source record last changed';
COMMENT ON COLUMN analytics.anonymized_assessments.batch_id IS 'Batch that brought this version';
COMMENT ON COLUMN analytics.anonymized_assessments.version IS 'updated_at, else published_at, else created_at: the newest version wins';
COMMENT ON COLUMN analytics.anonymized_assessments.content IS 'Digest of the row: equal versions with other content are a conflict';

CREATE TABLE analytics.anonymized_assessment_responses (
    id uuid NOT NULL,
    assessment_hash uuid NOT NULL,
    respondent_hash uuid,
    org_hash uuid NOT NULL,
    region text NOT NULL,
    age_band text NOT NULL,
    gender text NOT NULL,
    device_type text NOT NULL,
    status text NOT NULL,
    completion_percentage double precision,
    time_spent_seconds double precision,
    created_at timestamptz NOT NULL,
    completed_at timestamptz,
    is_careless boolean NOT NULL,
    updated_at timestamptz,
    batch_id bigint NOT NULL,
    CONSTRAINT anonymized_assessment_responses_pkey PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE analytics.anonymized_assessment_responses IS 'One row per response of a person to an assessment, pseudonymised; partitioned by start time';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.id IS 'Pseudonym of the response';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.assessment_hash IS 'Pseudonym of the assessment';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.respondent_hash IS 'Pseudonym of the person; NULL when the source names none';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.org_hash IS 'Pseudonym of the organization of the assessment';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.region IS 'UN M49 sub-region of the respondent, else of the assessment, or unknown';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.age_band IS 'under_18, 18_24, 25_34, 35_44, 45_54, 55_64, 65_plus or unknown';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.gender IS 'female, male, other or unknown';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.device_type IS 'desktop, mobile, tablet, other or unknown';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.status IS 'started, completed, abandoned or unknown';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.completion_percentage IS 'Share of the questions answered, 0 to 100';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.time_spent_seconds IS 'Time spent, in seconds';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.created_at IS 'When the response was started';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.completed_at IS 'When it was completed';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.is_careless IS 'Flagged as careless: long string, no variance, or an impossible time';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.updated_at IS 'When its source record last changed';
COMMENT ON COLUMN analytics.anonymized_assessment_responses.batch_id IS 'Batch that brought this version';

CREATE TABLE analytics.anonymized_question_responses (
    response_hash uuid NOT NULL,
    created_at timestamptz NOT NULL,
    batch_id bigint NOT NULL,
    time_spent_ms integer,
    question_id smallint NOT NULL,
    value smallint NOT NULL,
    CONSTRAINT anonymized_question_responses_pkey PRIMARY KEY (created_at, response_hash, question_id)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE analytics.anonymized_question_responses IS 'One row per answered question; partitioned by the start time of its response';
COMMENT ON COLUMN analytics.anonymized_question_responses.response_hash IS 'Pseudonym of the response';
COMMENT ON COLUMN analytics.anonymized_question_responses.created_at IS 'When the response was started';
COMMENT ON COLUMN analytics.anonymized_question_responses.batch_id IS 'Batch that brought this version';
COMMENT ON COLUMN analytics.anonymized_question_responses.time_spent_ms IS 'Time spent on the question, in milliseconds';
COMMENT ON COLUMN analytics.anonymized_question_responses.question_id IS 'Question in the catalogue';
COMMENT ON COLUMN analytics.anonymized_question_responses.value IS 'The answer as given, on the scale of the instrument (not reversed)';

CREATE TABLE analytics.anonymized_assessment_scores (
    assessment_hash uuid NOT NULL,
    response_hash uuid NOT NULL,
    created_at timestamptz NOT NULL,
    score double precision NOT NULL,
    raw_score double precision,
    percentile double precision,
    batch_id bigint NOT NULL,
    dimension analytics.ocean_dimension NOT NULL,
    norm_version text,
    scoring_version text NOT NULL,
    CONSTRAINT anonymized_assessment_scores_pkey PRIMARY KEY (created_at, response_hash, dimension)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE analytics.anonymized_assessment_scores IS 'One row per scored trait of a response; partitioned by the start time of its response';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.assessment_hash IS 'Pseudonym of the assessment';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.response_hash IS 'Pseudonym of the response';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.created_at IS 'When the response was started';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.score IS 'Trait score, 0 to 100';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.raw_score IS 'Keyed sum of the items, on the scale of the instrument';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.percentile IS 'Mid-rank percentile in a norm table, 0 to 100; NULL until norms exist';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.batch_id IS 'Batch that brought this version';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.dimension IS 'The trait';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.norm_version IS 'Norm table that the percentile was read from';
COMMENT ON COLUMN analytics.anonymized_assessment_scores.scoring_version IS 'Rule that made the score from the answers';

-- The seed's three indexes. Its second one had a predicate with NOW(), which PostgreSQL refuses
-- (a predicate must be IMMUTABLE): the status alone stays, partitions and the leading column do the rest.
CREATE INDEX idx_assessment_org_industry_size
ON analytics.anonymized_assessments (org_hash, industry_category, org_size_category, created_at);

CREATE INDEX idx_recent_assessments_published
ON analytics.anonymized_assessments (created_at, org_hash)
WHERE status = 'published';

-- Corrections of an assessment, undo and the ML join look for the responses of one assessment.
CREATE INDEX idx_responses_assessment
ON analytics.anonymized_assessment_responses (assessment_hash);
