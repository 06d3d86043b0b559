-- judge_advice: what a look showed of advice that was given.
-- Parameters: id (bigint), is_taken, is_ended (boolean), value (double precision).
UPDATE internal.given_advice SET
    taken_at = CASE WHEN %(is_taken)s THEN coalesce(taken_at, now()) ELSE taken_at END,
    ended_at = CASE WHEN %(is_ended)s THEN now() END,
    value_after = CASE WHEN %(is_taken)s OR %(is_ended)s OR taken_at IS NOT NULL THEN %(value)s ELSE value_after END
WHERE id = %(id)s
