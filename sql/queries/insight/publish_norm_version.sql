-- publish_norm_version: makes a version of the norm tables final.
-- Parameters: version (text).
UPDATE internal.norm_versions SET published_at = now() WHERE version = %(version)s
