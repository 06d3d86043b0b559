-- unsay_notice: nobody could be told after all; the next check tries again. Parameters: ids (bigint []).
UPDATE internal.alerts AS a
SET notified_at = NULL
WHERE a.id = ANY(%(ids)s)
