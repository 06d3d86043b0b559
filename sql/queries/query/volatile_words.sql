-- volatile_words: which words of a statement are names of functions that may answer otherwise each time.
-- Parameters: words (text[], lower case). Row: word.
SELECT DISTINCT p.proname AS word
FROM pg_proc AS p
WHERE p.proname = ANY(%(words)s::text []) AND p.provolatile = 'v'
ORDER BY word
