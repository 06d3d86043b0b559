-- norm_versions: the published versions of the norm tables, the newest first.
-- Row: version, range_start, range_end, has_careless, minimum_n, is_crossed, responses, as_of,
--      published_at, groups (rows of instrument x group), instruments, is_current.
SELECT
    v.version,
    v.range_start,
    v.range_end,
    v.has_careless,
    v.minimum_n,
    v.is_crossed,
    v.responses,
    v.as_of,
    v.published_at,
    g.groups,
    g.instruments,
    coalesce(v.version = (
        SELECT a.version FROM internal.norm_applications AS a
        ORDER BY a.id DESC
        LIMIT 1
    ), false) AS is_current
FROM internal.norm_versions AS v
CROSS JOIN LATERAL (
    SELECT
        count(DISTINCT concat_ws(',', c.instrument, c.region, c.gender, c.age_band)) AS groups,
        array_agg(DISTINCT c.instrument ORDER BY c.instrument) AS instruments
    FROM internal.norm_counts AS c
    WHERE c.version = v.version
) AS g
WHERE v.published_at IS NOT NULL
ORDER BY v.published_at DESC, v.version
