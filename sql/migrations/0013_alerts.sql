-- What: alerts, their silences and the state of their rules.
-- Why: an alert is told once, stays known until it ends and can be answered.
-- Locks: an index on system_health_metrics blocks its writers while it is built (seconds).
-- Way back: drop the tables and the index; open alerts are raised anew.

CREATE TABLE internal.alert_states (
    rule text NOT NULL,
    phase text NOT NULL,
    since timestamptz NOT NULL,
    evaluated_at timestamptz NOT NULL,
    CONSTRAINT alert_states_pkey PRIMARY KEY (rule),
    CONSTRAINT alert_states_phase_check CHECK (phase IN ('well', 'pending', 'firing', 'clearing'))
);
COMMENT ON TABLE internal.alert_states IS 'Where each alert rule stands, and up to which measurement it was evaluated';
COMMENT ON COLUMN internal.alert_states.rule IS 'Name of the rule';
COMMENT ON COLUMN internal.alert_states.phase IS 'well, pending (breached, not long enough), firing or clearing (well again, not long enough)';
COMMENT ON COLUMN internal.alert_states.since IS 'Measurement with which the phase began';
COMMENT ON COLUMN internal.alert_states.evaluated_at IS 'Newest measurement that was looked at';

CREATE TABLE internal.alerts (
    id bigint GENERATED ALWAYS AS IDENTITY,
    rule text NOT NULL,
    severity text NOT NULL,
    summary text NOT NULL,
    value double precision NOT NULL,
    threshold double precision NOT NULL,
    unit text NOT NULL,
    runbook text NOT NULL,
    started_at timestamptz NOT NULL,
    resolved_at timestamptz,
    notified_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    note text,
    CONSTRAINT alerts_pkey PRIMARY KEY (id),
    CONSTRAINT alerts_severity_check CHECK (severity IN ('info', 'warning', 'error', 'critical'))
);
COMMENT ON TABLE internal.alerts IS 'One row per alert, from the moment it is raised until it ends';
COMMENT ON COLUMN internal.alerts.id IS 'Number of the alert';
COMMENT ON COLUMN internal.alerts.rule IS 'Rule that raised it';
COMMENT ON COLUMN internal.alerts.severity IS 'info, warning, error or critical';
COMMENT ON COLUMN internal.alerts.summary IS 'One sentence for people';
COMMENT ON COLUMN internal.alerts.value IS 'Figure that raised it';
COMMENT ON COLUMN internal.alerts.threshold IS 'Limit that it passed';
COMMENT ON COLUMN internal.alerts.unit IS 'Unit of value and threshold';
COMMENT ON COLUMN internal.alerts.runbook IS 'Page that says what to do, a path within the documents';
COMMENT ON COLUMN internal.alerts.started_at IS 'Measurement with which the breach began';
COMMENT ON COLUMN internal.alerts.resolved_at IS 'Measurement with which it ended; NULL: open';
COMMENT ON COLUMN internal.alerts.notified_at IS 'When people were last told; NULL: not yet, or silenced';
COMMENT ON COLUMN internal.alerts.acknowledged_at IS 'When somebody took it on';
COMMENT ON COLUMN internal.alerts.acknowledged_by IS 'Account that took it on';
COMMENT ON COLUMN internal.alerts.note IS 'What they wrote';
-- The same trouble is one alert, whoever evaluates at the same time.
CREATE UNIQUE INDEX alerts_open_key ON internal.alerts (rule) WHERE resolved_at IS NULL;

CREATE TABLE internal.alert_silences (
    id bigint GENERATED ALWAYS AS IDENTITY,
    rule text NOT NULL,
    starts_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    reason text NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT alert_silences_pkey PRIMARY KEY (id),
    CONSTRAINT alert_silences_period_check CHECK (ends_at > starts_at)
);
COMMENT ON TABLE internal.alert_silences IS 'Times in which nobody is told of a rule''s alerts; they are raised and listed all the same';
COMMENT ON COLUMN internal.alert_silences.id IS 'Number of the silence';
COMMENT ON COLUMN internal.alert_silences.rule IS 'Rule, or all';
COMMENT ON COLUMN internal.alert_silences.starts_at IS 'Begin';
COMMENT ON COLUMN internal.alert_silences.ends_at IS 'End';
COMMENT ON COLUMN internal.alert_silences.reason IS 'Why';
COMMENT ON COLUMN internal.alert_silences.created_by IS 'Account that asked for it';

-- History of one figure, for forecasts and for the evaluation of alerts.
CREATE INDEX system_health_metrics_metric_idx
ON analytics.system_health_metrics (component, metric, measured_at);
