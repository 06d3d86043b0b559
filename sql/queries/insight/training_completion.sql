-- training_completion: responses open at the cut-off, what was known of them then, and how they ended.
-- Of a response only the moment of its start is taken: all else is stored as its newest version says,
-- and would tell the end (who gives age and gender on the last page has them only when completed).
-- The history of its organization counts ends that had happened by the cut-off.
-- Selections go by the newest version (columns newest_*): who is meant must not depend on the cut-off.
-- Parameters: cutoff, window_start, horizon_end (timestamptz).
-- Row: as the columns; target is NULL where the moment of the end is not known.
WITH ended AS (
    SELECT
        r.id,
        r.assessment_hash,
        r.org_hash,
        r.region,
        r.age_band,
        r.gender,
        r.device_type,
        r.status,
        r.created_at,
        CASE
            WHEN r.status = 'completed' THEN coalesce(r.completed_at, r.updated_at)
            WHEN r.status = 'abandoned' THEN r.updated_at
        END AS ended_at
    FROM analytics.anonymized_assessment_responses AS r
    WHERE r.created_at >= %(window_start)s AND r.created_at < %(cutoff)s
),

history AS (
    SELECT
        e.org_hash,
        count(*) AS org_started,
        count(*) FILTER (WHERE e.status = 'completed' AND e.ended_at <= %(cutoff)s) AS org_completed
    FROM ended AS e
    GROUP BY e.org_hash
)

SELECT
    e.id AS response_hash,
    e.org_hash,
    extract(EPOCH FROM %(cutoff)s::timestamptz - e.created_at)::double precision / 3600 AS hours_open,
    extract(HOUR FROM e.created_at)::integer AS start_hour,
    extract(ISODOW FROM e.created_at)::integer AS start_weekday,
    coalesce(a.industry_category, 'unknown') AS industry_category,
    coalesce(a.org_size_category, 'unknown') AS org_size_category,
    coalesce(a.assessment_type, 'unknown') AS assessment_type,
    coalesce(a.instrument, 'unknown') AS instrument,
    a.question_count::double precision AS question_count,
    h.org_started,
    h.org_completed,
    e.region AS newest_region,
    e.age_band AS newest_age_band,
    e.gender AS newest_gender,
    e.device_type AS newest_device_type,
    coalesce(n.industry_category, 'unknown') AS newest_industry_category,
    coalesce(n.org_size_category, 'unknown') AS newest_org_size_category,
    coalesce(n.assessment_type, 'unknown') AS newest_assessment_type,
    coalesce(n.instrument, 'unknown') AS newest_instrument,
    CASE
        WHEN e.status IN ('completed', 'abandoned') AND e.ended_at IS NULL THEN NULL
        ELSE (e.status = 'completed' AND e.ended_at <= %(horizon_end)s)::integer
    END AS target
FROM ended AS e
INNER JOIN history AS h ON h.org_hash = e.org_hash
LEFT JOIN analytics.anonymized_assessments AS a ON a.id = e.assessment_hash AND a.version <= %(cutoff)s
LEFT JOIN analytics.anonymized_assessments AS n ON n.id = e.assessment_hash
WHERE e.ended_at IS NULL OR e.ended_at > %(cutoff)s
ORDER BY e.created_at, e.id
