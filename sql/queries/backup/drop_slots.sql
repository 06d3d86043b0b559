-- drop_slots: drop replication slots that backups which were killed have left.
-- Parameters: prefix of their names.
-- Row: one per slot, empty.
SELECT pg_drop_replication_slot(slot_name)
FROM pg_replication_slots
WHERE starts_with(slot_name::text, %(prefix)s) AND NOT active
