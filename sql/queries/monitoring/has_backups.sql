-- has_backups: whether the catalogue of backups exists. Row: exists.
SELECT to_regclass('internal.backups') IS NOT NULL AS has_backups
