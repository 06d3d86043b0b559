-- installed_at: hours since the schema was first made. Row: age_hours.
SELECT extract(EPOCH FROM now() - min(h.applied_at))::double precision / 3600 AS age_hours
FROM internal.schema_history AS h
