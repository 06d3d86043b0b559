-- What: advice that was given, and what became of the figure that spoke for it.
-- Why: advice is worth what following it changed; without a record nobody can tell.
-- Locks: none, the table is new.
-- Way back: drop the table; past advice is forgotten.
-- Previous release: runs, it does not know the table.

CREATE TABLE internal.given_advice (
    id bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    subject text NOT NULL,
    description text NOT NULL,
    measure text NOT NULL,
    lever text NOT NULL,
    evidence jsonb NOT NULL,
    first_given_at timestamptz NOT NULL DEFAULT now(),
    last_given_at timestamptz NOT NULL DEFAULT now(),
    taken_at timestamptz,
    ended_at timestamptz,
    value_before double precision,
    value_after double precision,
    CONSTRAINT given_advice_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX given_advice_open_idx ON internal.given_advice (topic, subject) WHERE ended_at IS NULL;
COMMENT ON TABLE internal.given_advice IS 'Advice that was given: its evidence then, and its figure once it was followed or no longer held';
COMMENT ON COLUMN internal.given_advice.id IS 'Number of the advice';
COMMENT ON COLUMN internal.given_advice.topic IS 'What it is about, such as memory or indexes';
COMMENT ON COLUMN internal.given_advice.subject IS 'Index, table or statement; empty for the server as a whole';
COMMENT ON COLUMN internal.given_advice.description IS 'What to do';
COMMENT ON COLUMN internal.given_advice.measure IS 'Figure of the evidence that following it should improve';
COMMENT ON COLUMN internal.given_advice.lever IS 'Fact of the evidence whose change shows that it was followed; empty: that cannot be seen';
COMMENT ON COLUMN internal.given_advice.evidence IS 'Figures when it was first given';
COMMENT ON COLUMN internal.given_advice.first_given_at IS 'When it was first given';
COMMENT ON COLUMN internal.given_advice.last_given_at IS 'When it was given last';
COMMENT ON COLUMN internal.given_advice.taken_at IS 'When its lever was first seen changed; NULL: not yet, or it has none';
COMMENT ON COLUMN internal.given_advice.ended_at IS 'When it was first not given any more; NULL: it still holds';
COMMENT ON COLUMN internal.given_advice.value_before IS 'The measure when it was first given';
COMMENT ON COLUMN internal.given_advice.value_after IS 'The measure at the last look after it was followed or ended';
