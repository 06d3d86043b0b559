-- ioc_backup: reads everything, for dumps and their fingerprints; writes nothing.
GRANT USAGE ON SCHEMA analytics, internal, retired TO ioc_backup;
GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO ioc_backup;
GRANT SELECT ON ALL TABLES IN SCHEMA internal TO ioc_backup;
GRANT SELECT ON ALL TABLES IN SCHEMA retired TO ioc_backup;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA analytics, internal TO ioc_backup;
ALTER DEFAULT PRIVILEGES IN SCHEMA analytics, internal GRANT SELECT ON TABLES TO ioc_backup;
-- Whatever schema the owner or the ingesting login adds later, a dump must be able to read it.
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ioc_backup;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO ioc_backup;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO ioc_backup;
