-- renew_quarantine: gives a waiting record the reason and the content of its newest judgement.
-- Parameters: id (bigint), rule, column_name, value, contract_version (text), record_id, parent_id (uuid),
--             record (jsonb).
UPDATE internal.quarantine
SET
    rule = %(rule)s,
    column_name = %(column_name)s,
    value = %(value)s,
    contract_version = %(contract_version)s,
    record_id = %(record_id)s,
    parent_id = %(parent_id)s,
    record = %(record)s
WHERE id = %(id)s
