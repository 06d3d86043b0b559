-- make_norms_current: notes which version the stored scores have from now on, unless they have it.
-- Parameters: version (text).
INSERT INTO internal.norm_applications (version)
SELECT %(version)s
WHERE %(version)s IS DISTINCT FROM (
    SELECT a.version FROM internal.norm_applications AS a
    ORDER BY a.id DESC
    LIMIT 1
)
