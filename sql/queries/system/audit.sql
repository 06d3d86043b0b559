-- audit: appends to the audit log.
-- Parameters: actor, role, action, object, statement_digest, parameters_digest (text), row_count (bigint).
INSERT INTO analytics.audit_log (
    actor, role, action, object, statement_digest, parameters_digest, row_count
)
VALUES (
    %(actor)s, %(role)s, %(action)s, %(object)s, %(statement_digest)s, %(parameters_digest)s, %(row_count)s
)
