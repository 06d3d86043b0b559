-- unknown_categories: words outside their closed list among the responses of the newest month with rows.
-- Parameters: regions, age_bands, genders, devices, statuses (text []).
-- Row: checked (responses), region, age_band, gender, device_type, status.
SELECT
    count(*) AS checked,
    count(*) FILTER (WHERE r.region <> ALL(%(regions)s::text [])) AS region,
    count(*) FILTER (WHERE r.age_band <> ALL(%(age_bands)s::text [])) AS age_band,
    count(*) FILTER (WHERE r.gender <> ALL(%(genders)s::text [])) AS gender,
    count(*) FILTER (WHERE r.device_type <> ALL(%(devices)s::text [])) AS device_type,
    count(*) FILTER (WHERE r.status <> ALL(%(statuses)s::text [])) AS status
FROM analytics.anonymized_assessment_responses AS r
WHERE
    r.created_at >= (
        SELECT date_trunc('month', max(p.created_at), 'UTC')
        FROM analytics.anonymized_assessment_responses AS p
    )
