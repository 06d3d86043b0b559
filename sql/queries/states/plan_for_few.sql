-- plan_for_few: takes plan_for_many back.
SELECT set_config('enable_nestloop', 'on', true), set_config('join_collapse_limit', '8', true)
