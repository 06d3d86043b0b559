-- The tables of the example: one partitioned by month in Dagster, one written as a whole.
CREATE SCHEMA IF NOT EXISTS another;

CREATE TABLE another.openness_by_month (
    month date NOT NULL,
    sample_size bigint NOT NULL,
    mean double precision NOT NULL,
    CONSTRAINT openness_by_month_pkey PRIMARY KEY (month)
);

CREATE TABLE another.openness_above_middle (
    month date NOT NULL,
    points_above double precision NOT NULL,
    CONSTRAINT openness_above_middle_pkey PRIMARY KEY (month)
);

CREATE TABLE another.openness_summary (
    months bigint NOT NULL,
    responses bigint NOT NULL,
    lowest double precision NOT NULL,
    highest double precision NOT NULL
);
