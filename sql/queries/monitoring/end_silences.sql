-- end_silences: ends the silences of a rule, or all. Parameters: rule.
UPDATE internal.alert_silences AS s
SET ends_at = greatest(now(), s.starts_at + INTERVAL '1 microsecond')
WHERE s.rule = %(rule)s AND s.ends_at > now()
