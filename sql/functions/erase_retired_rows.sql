-- Deletes the rows of a respondent or an organization from detached partitions, which are out of sight
-- and not gone. Returns the number of rows deleted; there are no days to mark, no answer reads them.
CREATE OR REPLACE FUNCTION internal.erase_retired_rows(subject_kind text, subject uuid)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    waiting record;
    child text;
    deleted bigint;
    total bigint := 0;
BEGIN
    FOR waiting IN SELECT p.period FROM internal.retired_partitions AS p WHERE p.dropped_at IS NULL LOOP
        FOREACH child IN ARRAY ARRAY[
            'anonymized_question_responses', 'anonymized_assessment_scores', 'ai_validations', 'answer_vectors'
        ] LOOP
            EXECUTE format(
                'DELETE FROM retired.%I AS c USING retired.%I AS r '
                'WHERE c.created_at = r.created_at AND c.response_hash = r.id AND r.%I = $1',
                child || '_' || waiting.period, 'anonymized_assessment_responses_' || waiting.period,
                CASE subject_kind WHEN 'respondent' THEN 'respondent_hash' ELSE 'org_hash' END
            ) USING subject;
            GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
        END LOOP;
        EXECUTE format(
            'DELETE FROM retired.%I AS r WHERE r.%I = $1',
            'anonymized_assessment_responses_' || waiting.period,
            CASE subject_kind WHEN 'respondent' THEN 'respondent_hash' ELSE 'org_hash' END
        ) USING subject;
        GET DIAGNOSTICS deleted = ROW_COUNT; total := total + deleted;
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION internal.erase_retired_rows(text, uuid) IS 'Deletes the rows of a respondent or an organization from detached partitions; returns how many';
