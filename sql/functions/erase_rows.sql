-- Deletes every row of a respondent or an organization, and marks the days that it touches, so that
-- answers count them again. Returns the number of rows deleted. The caller writes the tombstone.
CREATE OR REPLACE FUNCTION internal.erase_rows(subject_kind text, subject uuid)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids uuid [];
    moments timestamptz [];
    deleted bigint;
    total bigint := 0;
    first_day date;
    last_day date;
BEGIN
    SELECT array_agg(r.id), array_agg(DISTINCT r.created_at) INTO ids, moments
    FROM analytics.anonymized_assessment_responses AS r
    WHERE CASE subject_kind WHEN 'respondent' THEN r.respondent_hash = subject ELSE r.org_hash = subject END;

    INSERT INTO internal.touched_days (day, batch_id)
    SELECT DISTINCT (r.created_at AT TIME ZONE 'UTC')::date, r.batch_id
    FROM analytics.anonymized_assessment_responses AS r
    WHERE r.created_at = ANY (moments) AND r.id = ANY (ids);

    DELETE FROM analytics.anonymized_question_responses AS q
    WHERE q.created_at = ANY (moments) AND q.response_hash = ANY (ids);
    GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
    DELETE FROM internal.answer_vectors AS v WHERE v.created_at = ANY (moments) AND v.response_hash = ANY (ids);
    GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
    DELETE FROM analytics.anonymized_assessment_scores AS s
    WHERE s.created_at = ANY (moments) AND s.response_hash = ANY (ids);
    GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
    DELETE FROM internal.ai_validations AS v WHERE v.created_at = ANY (moments) AND v.response_hash = ANY (ids);
    GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
    DELETE FROM internal.quarantine AS q
    WHERE q.record_id = ANY (ids) OR q.parent_id = ANY (ids)
        OR q.record ->> CASE subject_kind WHEN 'respondent' THEN 'respondent_hash' ELSE 'org_hash' END = subject::text;
    GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
    DELETE FROM internal.response_registry AS g WHERE g.response_hash = ANY (ids);
    GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
    DELETE FROM analytics.anonymized_assessment_responses AS r WHERE r.created_at = ANY (moments) AND r.id = ANY (ids);
    GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
    IF subject_kind = 'organization' THEN
        SELECT min(o.period_start), max(o.period_start) INTO first_day, last_day
        FROM internal.organization_states AS o
        WHERE o.org_hash = subject AND o.family = 'day' AND o.layer = 'sealed';
        DELETE FROM internal.organization_states AS o WHERE o.org_hash = subject;
        GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
        -- Live days are counted again from rows; sealed ones have none left.
        PERFORM internal.sum_days(first_day, last_day + 1);
        DELETE FROM analytics.anonymized_assessments AS a WHERE a.org_hash = subject;
        GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
    END IF;
    RETURN total + internal.erase_retired_rows(subject_kind, subject);
END
$$;
COMMENT ON FUNCTION internal.erase_rows(text, uuid) IS 'Deletes the rows of a respondent or an organization; returns how many';
