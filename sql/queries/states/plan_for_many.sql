-- plan_for_many: hash joins in the order as written, until the end of the transaction.
SELECT
    set_config('enable_nestloop', 'off', true),
    set_config('join_collapse_limit', '1', true),
    set_config('work_mem', '64MB', true)
