-- ground: what an answer stands on, in one round trip.
-- Parameters: first, last (date, half-open, days that the range touches), first_month (date).
-- Row: as_of (timestamptz or NULL), touched days, sealed months, digest of the catalogues.
SELECT
    (SELECT max(b.loaded_at) FROM internal.batches AS b WHERE b.status <> 'undone') AS as_of,
    ARRAY(
        SELECT DISTINCT t.day
        FROM internal.touched_days AS t
        WHERE t.day >= %(first)s AND t.day < %(last)s
        ORDER BY t.day
    ) AS touched_days,
    ARRAY(
        SELECT s.month
        FROM internal.sealed_months AS s
        WHERE s.month >= %(first_month)s AND s.month < %(last)s
        ORDER BY s.month
    ) AS sealed_months,
    md5(concat_ws(
        ';',
        (
            SELECT string_agg(concat_ws(',', c.vocabulary, c.code, c.name), ';' ORDER BY c.vocabulary, c.code)
            FROM internal.categories AS c
        ),
        (
            SELECT string_agg(concat_ws(',', i.name, i.definition_digest, i.title, i.source), ';' ORDER BY i.name)
            FROM internal.instruments AS i
        ),
        (SELECT string_agg(concat_ws(',', q.question_id, q.code), ';' ORDER BY q.question_id) FROM internal.questions AS q)
    )) AS catalogue
