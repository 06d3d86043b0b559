-- silence: nobody is told of a rule for some hours. Parameters: rule, hours, reason, account. Row: ends_at.
INSERT INTO internal.alert_silences (rule, ends_at, reason, created_by)
VALUES (%(rule)s, now() + make_interval(secs => %(hours)s * 3600), %(reason)s, %(account)s)
RETURNING ends_at
