-- register_question: writes a question; one without a number gets the next one.
-- Parameters: question_id (smallint or NULL), instrument, code, trait, is_reversed, position.
INSERT INTO internal.questions (question_id, instrument, code, trait, is_reversed, position)
VALUES (
    coalesce(%(question_id)s, nextval('internal.question_numbers'))::smallint,
    %(instrument)s, %(code)s, %(trait)s, %(is_reversed)s, %(position)s
)
