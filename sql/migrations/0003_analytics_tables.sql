-- What: the tables of released figures.
-- Why: the seed's analytics tables; a figure that may not be shown is NULL and says why in withheld_reason.
-- Locks: none that matter, the tables are new.
-- Way back: drop the tables; they are rebuilt from the states.

CREATE TABLE analytics.daily_assessment_metrics (
    metric_date date NOT NULL,
    industry_category text NOT NULL,
    org_size_category text NOT NULL,
    region text NOT NULL,
    assessments_created bigint,
    responses_started bigint,
    responses_completed bigint,
    responses_abandoned bigint,
    completion_rate double precision,
    avg_time_spent_seconds double precision,
    median_time_spent_seconds double precision,
    organizations bigint,
    respondents bigint,
    device_breakdown jsonb,
    is_mature boolean NOT NULL DEFAULT FALSE,
    withheld_reason text,
    CONSTRAINT daily_assessment_metrics_pkey PRIMARY KEY (metric_date, industry_category, org_size_category, region)
);
COMMENT ON TABLE analytics.daily_assessment_metrics IS 'Released: activity per day and industry, size and region (all: not split)';
COMMENT ON COLUMN analytics.daily_assessment_metrics.metric_date IS 'UTC day on which the responses were started';
COMMENT ON COLUMN analytics.daily_assessment_metrics.industry_category IS 'Sector, unknown, or all';
COMMENT ON COLUMN analytics.daily_assessment_metrics.org_size_category IS 'Size band, unknown, or all';
COMMENT ON COLUMN analytics.daily_assessment_metrics.region IS 'Region of the respondent, unknown, or all';
COMMENT ON COLUMN analytics.daily_assessment_metrics.assessments_created IS 'Assessments set up on the day';
COMMENT ON COLUMN analytics.daily_assessment_metrics.responses_started IS 'Responses started on the day';
COMMENT ON COLUMN analytics.daily_assessment_metrics.responses_completed IS 'Of them, completed by now';
COMMENT ON COLUMN analytics.daily_assessment_metrics.responses_abandoned IS 'Of them, abandoned';
COMMENT ON COLUMN analytics.daily_assessment_metrics.completion_rate IS 'Completed / started, 0 to 1';
COMMENT ON COLUMN analytics.daily_assessment_metrics.avg_time_spent_seconds IS 'Mean time spent, in seconds';
COMMENT ON COLUMN analytics.daily_assessment_metrics.median_time_spent_seconds IS 'Median time spent, in seconds';
COMMENT ON COLUMN analytics.daily_assessment_metrics.organizations IS 'Distinct organizations';
COMMENT ON COLUMN analytics.daily_assessment_metrics.respondents IS 'Distinct people';
COMMENT ON COLUMN analytics.daily_assessment_metrics.device_breakdown IS 'Responses per device type';
COMMENT ON COLUMN analytics.daily_assessment_metrics.is_mature IS 'Whether responses started on the day have had their time to be completed';
COMMENT ON COLUMN analytics.daily_assessment_metrics.withheld_reason IS 'Why figures are NULL; NULL: nothing is withheld';

CREATE INDEX idx_daily_metrics_device_breakdown_gin
ON analytics.daily_assessment_metrics USING gin (device_breakdown);

CREATE TABLE analytics.ocean_trait_distributions (
    period_start date NOT NULL,
    period_end date NOT NULL,
    grain text NOT NULL,
    instrument text NOT NULL,
    industry_category text NOT NULL,
    org_size_category text NOT NULL,
    region text NOT NULL,
    age_band text NOT NULL,
    gender text NOT NULL,
    device_type text NOT NULL,
    assessment_type text NOT NULL,
    dimension analytics.ocean_dimension NOT NULL,
    sample_size bigint,
    mean double precision,
    std_dev double precision,
    minimum double precision,
    p05 double precision,
    p10 double precision,
    p25 double precision,
    p50 double precision,
    p75 double precision,
    p90 double precision,
    p95 double precision,
    maximum double precision,
    skewness double precision,
    kurtosis double precision,
    histogram jsonb,
    withheld_reason text,
    CONSTRAINT ocean_trait_distributions_pkey PRIMARY KEY (
        period_start, grain, instrument, industry_category, org_size_category, region,
        age_band, gender, device_type, assessment_type, dimension
    ),
    CONSTRAINT ocean_trait_distributions_grain_check CHECK (grain IN ('day', 'month')),
    CONSTRAINT ocean_trait_distributions_period_check CHECK (period_end > period_start)
);
COMMENT ON TABLE analytics.ocean_trait_distributions IS 'Released: distribution of each trait per day or month and cell (all: not split); cells under 10 people are withheld';
COMMENT ON COLUMN analytics.ocean_trait_distributions.period_start IS 'First UTC day of the period';
COMMENT ON COLUMN analytics.ocean_trait_distributions.period_end IS 'First UTC day after the period';
COMMENT ON COLUMN analytics.ocean_trait_distributions.grain IS 'day or month';
COMMENT ON COLUMN analytics.ocean_trait_distributions.instrument IS 'Instrument, or all';
COMMENT ON COLUMN analytics.ocean_trait_distributions.industry_category IS 'Sector, unknown, or all';
COMMENT ON COLUMN analytics.ocean_trait_distributions.org_size_category IS 'Size band, unknown, or all';
COMMENT ON COLUMN analytics.ocean_trait_distributions.region IS 'Region, unknown, or all';
COMMENT ON COLUMN analytics.ocean_trait_distributions.age_band IS 'Age band, unknown, or all';
COMMENT ON COLUMN analytics.ocean_trait_distributions.gender IS 'Gender, unknown, or all';
COMMENT ON COLUMN analytics.ocean_trait_distributions.device_type IS 'Device type, unknown, or all';
COMMENT ON COLUMN analytics.ocean_trait_distributions.assessment_type IS 'Assessment type, or all';
COMMENT ON COLUMN analytics.ocean_trait_distributions.dimension IS 'The trait';
COMMENT ON COLUMN analytics.ocean_trait_distributions.sample_size IS 'Scored responses';
COMMENT ON COLUMN analytics.ocean_trait_distributions.mean IS 'Mean score, points of 0 to 100';
COMMENT ON COLUMN analytics.ocean_trait_distributions.std_dev IS 'Standard deviation (n - 1), points';
COMMENT ON COLUMN analytics.ocean_trait_distributions.minimum IS 'Lowest score';
COMMENT ON COLUMN analytics.ocean_trait_distributions.p05 IS '5th percentile (PERCENTILE_CONT)';
COMMENT ON COLUMN analytics.ocean_trait_distributions.p10 IS '10th percentile';
COMMENT ON COLUMN analytics.ocean_trait_distributions.p25 IS '25th percentile';
COMMENT ON COLUMN analytics.ocean_trait_distributions.p50 IS 'Median';
COMMENT ON COLUMN analytics.ocean_trait_distributions.p75 IS '75th percentile';
COMMENT ON COLUMN analytics.ocean_trait_distributions.p90 IS '90th percentile';
COMMENT ON COLUMN analytics.ocean_trait_distributions.p95 IS '95th percentile';
COMMENT ON COLUMN analytics.ocean_trait_distributions.maximum IS 'Highest score';
COMMENT ON COLUMN analytics.ocean_trait_distributions.skewness IS 'Skewness (type 3)';
COMMENT ON COLUMN analytics.ocean_trait_distributions.kurtosis IS 'Excess kurtosis (type 3)';
COMMENT ON COLUMN analytics.ocean_trait_distributions.histogram IS 'Edges and counts of 20 bins of 5 points';
COMMENT ON COLUMN analytics.ocean_trait_distributions.withheld_reason IS 'Why figures are NULL; NULL: nothing is withheld';

CREATE TABLE analytics.benchmarking_data (
    period_start date NOT NULL,
    metric text NOT NULL,
    industry_category text NOT NULL,
    org_size_category text NOT NULL,
    peer_level text NOT NULL,
    organizations bigint,
    sample_size bigint,
    mean double precision,
    p10 double precision,
    p25 double precision,
    p50 double precision,
    p75 double precision,
    p90 double precision,
    between_sd double precision,
    within_sd double precision,
    largest_share double precision,
    withheld_reason text,
    CONSTRAINT benchmarking_data_pkey PRIMARY KEY (period_start, metric, industry_category, org_size_category),
    CONSTRAINT benchmarking_data_peer_level_check CHECK (peer_level IN ('industry_size', 'industry', 'all'))
);
COMMENT ON TABLE analytics.benchmarking_data IS 'Released: organizations of a peer group compared, per month and metric';
COMMENT ON COLUMN analytics.benchmarking_data.period_start IS 'First day of the month';
COMMENT ON COLUMN analytics.benchmarking_data.metric IS 'Name of the metric';
COMMENT ON COLUMN analytics.benchmarking_data.industry_category IS 'Sector, unknown, or all';
COMMENT ON COLUMN analytics.benchmarking_data.org_size_category IS 'Size band, unknown, or all';
COMMENT ON COLUMN analytics.benchmarking_data.peer_level IS 'industry_size, industry or all';
COMMENT ON COLUMN analytics.benchmarking_data.organizations IS 'Organizations in the group';
COMMENT ON COLUMN analytics.benchmarking_data.sample_size IS 'Responses in the group';
COMMENT ON COLUMN analytics.benchmarking_data.mean IS 'Mean of the organizations';
COMMENT ON COLUMN analytics.benchmarking_data.p10 IS '10th percentile of the organizations';
COMMENT ON COLUMN analytics.benchmarking_data.p25 IS '25th percentile';
COMMENT ON COLUMN analytics.benchmarking_data.p50 IS 'Median of the organizations';
COMMENT ON COLUMN analytics.benchmarking_data.p75 IS '75th percentile';
COMMENT ON COLUMN analytics.benchmarking_data.p90 IS '90th percentile';
COMMENT ON COLUMN analytics.benchmarking_data.between_sd IS 'SD between organizations';
COMMENT ON COLUMN analytics.benchmarking_data.within_sd IS 'SD within organizations';
COMMENT ON COLUMN analytics.benchmarking_data.largest_share IS 'Share of the largest organization, 0 to 1';
COMMENT ON COLUMN analytics.benchmarking_data.withheld_reason IS 'Why figures are NULL; NULL: nothing is withheld';

CREATE TABLE analytics.dual_ai_validation_metrics (
    metric_date date NOT NULL,
    dimension analytics.ocean_dimension NOT NULL,
    primary_model text NOT NULL,
    secondary_model text NOT NULL,
    n bigint,
    bias double precision,
    mean_absolute_difference double precision,
    limits_of_agreement_low double precision,
    limits_of_agreement_high double precision,
    icc double precision,
    weighted_kappa double precision,
    agreement_rate double precision,
    disagreements bigint,
    withheld_reason text,
    CONSTRAINT dual_ai_validation_metrics_pkey PRIMARY KEY (metric_date, dimension, primary_model, secondary_model)
);
COMMENT ON TABLE analytics.dual_ai_validation_metrics IS 'Released: agreement of two AI raters per day, trait and pair of models';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.metric_date IS 'UTC day on which the responses were started';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.dimension IS 'The trait';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.primary_model IS 'First rater';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.secondary_model IS 'Second rater';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.n IS 'Pairs of scores';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.bias IS 'Mean of primary - secondary, points';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.mean_absolute_difference IS 'Mean of |primary - secondary|, points';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.limits_of_agreement_low IS 'Lower limit of agreement (Bland-Altman), points';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.limits_of_agreement_high IS 'Upper limit of agreement, points';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.icc IS 'ICC(2,1)';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.weighted_kappa IS 'Quadratic-weighted kappa on bands';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.agreement_rate IS 'Share of pairs within the tolerance, 0 to 1';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.disagreements IS 'Pairs outside the tolerance';
COMMENT ON COLUMN analytics.dual_ai_validation_metrics.withheld_reason IS 'Why figures are NULL; NULL: nothing is withheld';

CREATE TABLE analytics.predictive_analytics_results (
    id bigint GENERATED ALWAYS AS IDENTITY,
    model_name text NOT NULL,
    model_version text NOT NULL,
    prediction_target text NOT NULL,
    segment jsonb NOT NULL DEFAULT '{}',
    issued_at timestamptz NOT NULL DEFAULT now(),
    target_period daterange,
    horizon interval,
    prediction double precision,
    interval_low double precision,
    interval_high double precision,
    actual double precision,
    scored_at timestamptz,
    accuracy_metrics jsonb,
    data_version text,
    CONSTRAINT predictive_analytics_results_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE analytics.predictive_analytics_results IS 'One row per prediction: what was said when, and how it turned out';
COMMENT ON COLUMN analytics.predictive_analytics_results.id IS 'Number of the prediction';
COMMENT ON COLUMN analytics.predictive_analytics_results.model_name IS 'Model';
COMMENT ON COLUMN analytics.predictive_analytics_results.model_version IS 'Version of the model';
COMMENT ON COLUMN analytics.predictive_analytics_results.prediction_target IS 'What is predicted';
COMMENT ON COLUMN analytics.predictive_analytics_results.segment IS 'Filters of the segment it is for';
COMMENT ON COLUMN analytics.predictive_analytics_results.issued_at IS 'When it was made';
COMMENT ON COLUMN analytics.predictive_analytics_results.target_period IS 'Days it is about';
COMMENT ON COLUMN analytics.predictive_analytics_results.horizon IS 'How far ahead';
COMMENT ON COLUMN analytics.predictive_analytics_results.prediction IS 'The predicted value';
COMMENT ON COLUMN analytics.predictive_analytics_results.interval_low IS 'Lower end of its interval';
COMMENT ON COLUMN analytics.predictive_analytics_results.interval_high IS 'Upper end of its interval';
COMMENT ON COLUMN analytics.predictive_analytics_results.actual IS 'What came';
COMMENT ON COLUMN analytics.predictive_analytics_results.scored_at IS 'When it was compared';
COMMENT ON COLUMN analytics.predictive_analytics_results.accuracy_metrics IS 'Accuracy figures of the model or of this prediction';
COMMENT ON COLUMN analytics.predictive_analytics_results.data_version IS 'Version of the data it was made from';
