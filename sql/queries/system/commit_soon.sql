-- commit_soon: lets the current transaction commit without waiting for the disk.
SELECT set_config('synchronous_commit', 'off', TRUE)
