-- The tables that are partitioned by the start time of a response, all with the same bounds.
CREATE OR REPLACE FUNCTION internal.partition_parents()
RETURNS TABLE (schema_name text, table_name text)
LANGUAGE sql IMMUTABLE AS $$
    VALUES
        ('analytics', 'anonymized_assessment_responses'),
        ('analytics', 'anonymized_question_responses'),
        ('analytics', 'anonymized_assessment_scores'),
        ('internal', 'ai_validations'),
        ('internal', 'answer_vectors')
$$;
COMMENT ON FUNCTION internal.partition_parents() IS 'The tables that are partitioned by the start time of a response';
