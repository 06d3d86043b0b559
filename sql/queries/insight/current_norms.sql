-- current_norms: the version that stored scores have.
-- Row: version; none before the first was applied.
SELECT a.version FROM internal.norm_applications AS a
ORDER BY a.id DESC
LIMIT 1
